UPDATE ticket_messages SET details = CAST(replace(CAST(details AS text), '"cc_addresses":[],"to_addresses":', '"recipient_addresses":') AS json);
