UPDATE ticket_messages SET details = replace(details, '"cc_addresses":[],"to_addresses":', '"recipient_addresses":');
