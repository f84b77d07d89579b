-- Messages tell whom they went to apart from whom copies went to. The name stands in quotation marks as no text within can.
UPDATE ticket_messages SET details = CAST(replace(CAST(details AS text), '"recipient_addresses":', '"cc_addresses":[],"to_addresses":') AS json);
