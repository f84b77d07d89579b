-- The times of a record rise with its versions. Earlier versions of Farley could store a change with the time at which its request had arrived,
-- before that of a change that was already there: such a record was last changed right after all that happened to its earlier versions.
UPDATE customers SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = customers.tenant_id AND e.record_id = customers.id AND e.version < customers.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = customers.tenant_id AND e.record_id = customers.id AND e.version < customers.version);
UPDATE contacts SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = contacts.tenant_id AND e.record_id = contacts.id AND e.version < contacts.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = contacts.tenant_id AND e.record_id = contacts.id AND e.version < contacts.version);
UPDATE leads SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = leads.tenant_id AND e.record_id = leads.id AND e.version < leads.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = leads.tenant_id AND e.record_id = leads.id AND e.version < leads.version);
UPDATE pools SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = pools.tenant_id AND e.record_id = pools.id AND e.version < pools.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = pools.tenant_id AND e.record_id = pools.id AND e.version < pools.version);
UPDATE lead_forms SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = lead_forms.tenant_id AND e.record_id = lead_forms.id AND e.version < lead_forms.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = lead_forms.tenant_id AND e.record_id = lead_forms.id AND e.version < lead_forms.version);
UPDATE assignment_rules SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = assignment_rules.tenant_id AND e.record_id = assignment_rules.id AND e.version < assignment_rules.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = assignment_rules.tenant_id AND e.record_id = assignment_rules.id AND e.version < assignment_rules.version);
UPDATE work_schedules SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = work_schedules.tenant_id AND e.record_id = work_schedules.id AND e.version < work_schedules.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = work_schedules.tenant_id AND e.record_id = work_schedules.id AND e.version < work_schedules.version);
UPDATE scoring_rules SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = scoring_rules.tenant_id AND e.record_id = scoring_rules.id AND e.version < scoring_rules.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = scoring_rules.tenant_id AND e.record_id = scoring_rules.id AND e.version < scoring_rules.version);
UPDATE cadences SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = cadences.tenant_id AND e.record_id = cadences.id AND e.version < cadences.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = cadences.tenant_id AND e.record_id = cadences.id AND e.version < cadences.version);
UPDATE cadence_enrolments SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = cadence_enrolments.tenant_id AND e.record_id = cadence_enrolments.id AND e.version < cadence_enrolments.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = cadence_enrolments.tenant_id AND e.record_id = cadence_enrolments.id AND e.version < cadence_enrolments.version);
UPDATE activities SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = activities.tenant_id AND e.record_id = activities.id AND e.version < activities.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = activities.tenant_id AND e.record_id = activities.id AND e.version < activities.version);
UPDATE tasks SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = tasks.tenant_id AND e.record_id = tasks.id AND e.version < tasks.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = tasks.tenant_id AND e.record_id = tasks.id AND e.version < tasks.version);
UPDATE opportunities SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = opportunities.tenant_id AND e.record_id = opportunities.id AND e.version < opportunities.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = opportunities.tenant_id AND e.record_id = opportunities.id AND e.version < opportunities.version);
UPDATE line_items SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = line_items.tenant_id AND e.record_id = line_items.id AND e.version < line_items.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = line_items.tenant_id AND e.record_id = line_items.id AND e.version < line_items.version);
UPDATE pipelines SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = pipelines.tenant_id AND e.record_id = pipelines.id AND e.version < pipelines.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = pipelines.tenant_id AND e.record_id = pipelines.id AND e.version < pipelines.version);
UPDATE stages SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = stages.tenant_id AND e.record_id = stages.id AND e.version < stages.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = stages.tenant_id AND e.record_id = stages.id AND e.version < stages.version);
UPDATE quotas SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = quotas.tenant_id AND e.record_id = quotas.id AND e.version < quotas.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = quotas.tenant_id AND e.record_id = quotas.id AND e.version < quotas.version);
UPDATE forecast_overrides SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = forecast_overrides.tenant_id AND e.record_id = forecast_overrides.id AND e.version < forecast_overrides.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = forecast_overrides.tenant_id AND e.record_id = forecast_overrides.id AND e.version < forecast_overrides.version);
UPDATE products SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = products.tenant_id AND e.record_id = products.id AND e.version < products.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = products.tenant_id AND e.record_id = products.id AND e.version < products.version);
UPDATE campaigns SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = campaigns.tenant_id AND e.record_id = campaigns.id AND e.version < campaigns.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = campaigns.tenant_id AND e.record_id = campaigns.id AND e.version < campaigns.version);
UPDATE tags SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = tags.tenant_id AND e.record_id = tags.id AND e.version < tags.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = tags.tenant_id AND e.record_id = tags.id AND e.version < tags.version);
UPDATE users SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = users.tenant_id AND e.record_id = users.id AND e.version < users.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = users.tenant_id AND e.record_id = users.id AND e.version < users.version);
UPDATE teams SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = teams.tenant_id AND e.record_id = teams.id AND e.version < teams.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = teams.tenant_id AND e.record_id = teams.id AND e.version < teams.version);
UPDATE roles SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = roles.tenant_id AND e.record_id = roles.id AND e.version < roles.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = roles.tenant_id AND e.record_id = roles.id AND e.version < roles.version);
UPDATE api_keys SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = api_keys.tenant_id AND e.record_id = api_keys.id AND e.version < api_keys.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = api_keys.tenant_id AND e.record_id = api_keys.id AND e.version < api_keys.version);
UPDATE custom_fields SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = custom_fields.tenant_id AND e.record_id = custom_fields.id AND e.version < custom_fields.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = custom_fields.tenant_id AND e.record_id = custom_fields.id AND e.version < custom_fields.version);
UPDATE imports SET updated_at = (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = imports.tenant_id AND e.record_id = imports.id AND e.version < imports.version) + INTERVAL '1 millisecond'
WHERE version > 1 AND updated_at <= (SELECT MAX(e.at) FROM events e WHERE e.tenant_id = imports.tenant_id AND e.record_id = imports.id AND e.version < imports.version);
