#!/usr/bin/env bash
# Runs the public OpenAPI tools over the document: linters, a validator, and generators whose clients must compile and import.
# Needs node, python 3.10+ and java; downloads the tools into a temporary folder. By hand and in CI, before a release.
#   tests/openapi-tools.sh [openapi/farley.json]
set -euo pipefail

document=$(realpath "${1:-"$(dirname "$0")/../openapi/farley.json"}")
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
cd "$tools"

npm install --silent --no-audit --no-fund \
  @redocly/cli@2.77.0 @stoplight/spectral-cli@6.16.3 @stoplight/spectral-owasp-ruleset@2.0.1 \
  openapi-typescript@7.13.0 openapi-fetch@0.17.0 typescript@5.9.3
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check \
  openapi-spec-validator==0.9.0 openapi-python-client==0.29.1 openapi-generator-cli==7.26.0
export PATH="$tools/node_modules/.bin:$tools/python/bin:$PATH"

echo '== Redocly, recommended-strict'
redocly lint --extends=recommended-strict "$document"

echo '== Spectral, spectral:oas'
echo 'extends: ["spectral:oas"]' > spectral.yaml
spectral lint --ruleset spectral.yaml --fail-severity=warn "$document"

echo '== Spectral, OWASP: no errors but those that are meant'
cat > owasp.yaml <<'YAML'
extends: ["@stoplight/spectral-owasp-ruleset"]
rules:
  # Answered to browsers of the origins in `cors_origins` alone, and so no part of any response.
  owasp:api8:2023-define-cors-origin: off
  # The tokens of lead forms and calendar feeds are public addresses, for programs that can send no header.
  owasp:api2:2023-no-credentials-in-url: off
  # Access tokens live 15 minutes and are refreshed at /v1/auth/refresh; its JSON is not what OAuth means by a refreshUrl.
  owasp:api2:2023-short-lived-access-tokens: off
YAML
spectral lint --ruleset owasp.yaml --fail-severity=error --display-only-failures "$document"

echo '== openapi-spec-validator'
openapi-spec-validator "$document"

echo '== openapi-typescript, a program on openapi-fetch, and tsc --strict'
openapi-typescript "$document" --output farley.ts
cat > program.ts <<'TYPESCRIPT'
import createClient from "openapi-fetch";
import type { components, paths } from "./farley.js";

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8080", headers: { "Accept-Language": "en" } });
const filter: components["schemas"]["LeadFilter"] = { or: [{ field: "status", value: "new" }, { not: { field: "name", op: "contains", value: "x" } }] };

export async function program(): Promise<string> {
  const query = { filter: JSON.stringify(filter), sort: ["-created_at"], limit: 20, status: "new" as const };
  const leads = await client.GET("/v1/leads", { params: { query } });
  if (leads.error) throw new Error(`${leads.error.code}: ${leads.error.detail ?? ""}`);
  const made = await client.POST("/v1/customers", { body: { name: "Acme" } });
  if (made.error) throw new Error(made.error.title);
  const customer: components["schemas"]["Customer"] = made.data;
  const name: string = customer.name;
  const changed = await client.PATCH("/v1/customers/{id}", {
    params: { path: { id: customer.id }, header: { "If-Match": '"v77"' } },
    body: { industry: null },
  });
  // @ts-expect-error an unknown member
  await client.POST("/v1/customers", { body: { nmae: "Acme" } });
  if (changed.error?.status !== 412) return `${name} ${leads.data.data.length}`;
  const version: number | undefined = changed.error.current_version;
  return `${version ?? 0} ${changed.error.changed?.map((change) => change.field).join() ?? ""}`;
}
TYPESCRIPT
tsc --strict --noEmit --target es2022 --module nodenext program.ts

echo '== openapi-python-client'
# It knows no calendars: their text is sent as it is.
echo 'content_type_overrides: {text/calendar: application/octet-stream}' > small.yaml
openapi-python-client generate --path "$document" --output-path small_client --meta none --fail-on-warning --config small.yaml

echo '== openapi-generator, python'
openapi-generator-cli generate -g python -i "$document" -o large --additional-properties=packageName=large_client > large.log \
  || { cat large.log; exit 1; }
pip install --quiet --disable-pip-version-check httpx attrs python-dateutil ./large

echo '== both python clients: import everything, read and write a customer'
python - "$document" <<'PYTHON'
import importlib, json, pkgutil, sys
import large_client, small_client

for package in (large_client, small_client):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)

document = json.load(open(sys.argv[1], encoding="utf-8"))
examples = {name: example["value"] for name, example in document["components"]["examples"].items()}
new_member = {"a_member_of_tomorrow": 1}
sent = {"filter": {"and": [{"field": "status", "value": "active"}, {"not": {"field": "name", "op": "contains", "value": "x"}}]}}
for models in (large_client, small_client.models):
    customer = models.Customer.from_dict(examples["Customer"] | new_member)
    assert customer.to_dict()["annual_revenue"] == examples["Customer"]["annual_revenue"]
    page = {"data": [examples["Customer"]], "page": {"next": None, "has_more": False, "total": None}}
    row = models.CustomerPage.from_dict(page).data[0]
    # One generator wraps what may be a whole or a sparse record.
    assert getattr(row, "actual_instance", row).name == customer.name
    assert models.CustomerCreate(name="Acme").to_dict() == {"name": "Acme"}, "what was not given must not be sent"
    assert models.Search.from_dict(sent).to_dict()["filter"]["and"][1]["not"]["op"] == "contains"
PYTHON
echo 'All tools are content.'
