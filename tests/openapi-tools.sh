#!/usr/bin/env bash
# Runs the public OpenAPI tools over the document: linters, a validator, generators whose clients must compile and work, and
# schemathesis, which asks a server of its own all that the document allows and much that it does not.
# Needs node, python 3.10+ and a built server; downloads the tools into a temporary folder. By hand, before a release; some
# 20 minutes, most of them schemathesis.
#   tests/openapi-tools.sh [openapi/farley.json [target/debug/farley [tag …]]]     (schemathesis for these tags alone)
set -euo pipefail

root=$(realpath "$(dirname "$0")/..")
document=$(realpath "${1:-"$root/openapi/farley.json"}")
farley=$(realpath "${2:-"$root/target/debug/farley"}")
tags=("${@:3}")
tools=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$tools"' EXIT
cd "$tools"

# A server of its own, on a new database and a free port, and a key of its administrator.
export FARLEY_ADMIN_EMAIL=admin@example.com FARLEY_ADMIN_PASSWORD='Quiet-Harbour-77-lamp'
DATABASE_URL="sqlite:$tools/data/farley.db" FARLEY_DATA_DIR="$tools/data" FARLEY_LISTEN=127.0.0.1:0 FARLEY_LOG=warn \
  "$farley" serve > server.log 2>&1 &
server=$!
for _ in $(seq 120); do
  url=$(grep -o 'listening on http://[0-9.:]*' server.log | cut -d ' ' -f 3) && break
  sleep 0.5
done
[ -n "$url" ] || { cat server.log; exit 1; }
post() { curl -sS --fail-with-body "$url/v1/$1" -H 'Content-Type: application/json' "${@:2}"; }
member() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }
token=$(post auth/login -d "{\"email\":\"$FARLEY_ADMIN_EMAIL\",\"password\":\"$FARLEY_ADMIN_PASSWORD\"}" | member access_token)
FARLEY_KEY=$(post api-keys -H "Authorization: Bearer $token" -d '{"name":"tools","scopes":["*:*"]}' | member key)
export FARLEY_URL=$url FARLEY_KEY

npm install --silent --no-audit --no-fund \
  @redocly/cli@2.77.0 @stoplight/spectral-cli@6.16.3 @stoplight/spectral-owasp-ruleset@2.0.1 \
  openapi-typescript@7.13.0 openapi-fetch@0.17.0 typescript@5.9.3
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check \
  openapi-spec-validator==0.9.0 openapi-python-client==0.29.1 schemathesis==4.32.5
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

declare const process: { env: Record<string, string> };
const headers = { "Accept-Language": "en", Authorization: `Bearer ${process.env["FARLEY_KEY"]}` };
const client = createClient<paths>({ baseUrl: process.env["FARLEY_URL"] ?? "", headers });
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
  const unknown = await client.POST("/v1/customers", { body: { nmae: "Acme" } });
  if (unknown.error?.errors?.[0]?.pointer !== "/nmae") throw new Error(unknown.error?.title ?? "accepted");
  const found = await client.GET("/v1/customers", { params: { query: { id_in: [customer.id], fields: ["id", "name"] } } });
  if (found.data?.data[0]?.name !== name) throw new Error(`not found: ${JSON.stringify(found)}`);
  if (changed.error?.status !== 412) throw new Error(`${name} ${leads.data.data.length}`);
  const version: number | undefined = changed.error.current_version;
  return `${version ?? 0} ${changed.error.changed?.map((change) => change.field).join() ?? ""}`;
}

console.log(await program());
TYPESCRIPT
npm pkg set type=module > /dev/null
tsc --strict --target es2022 --module nodenext --skipLibCheck program.ts
node program.js

echo '== openapi-python-client'
# It knows neither calendars nor mails: their text is sent as it is.
echo 'content_type_overrides: {text/calendar: application/octet-stream, message/rfc822: application/octet-stream}' > small.yaml
openapi-python-client generate --path "$document" --output-path small_client --meta none --fail-on-warning --config small.yaml

# openapi-generator is left out: its Python client documents each model with a whole example of it, and of all that it refers to, round
# and round; since rules and their actions are there, 6 GB do not hold that.
pip install --quiet --disable-pip-version-check httpx attrs python-dateutil

echo '== the python client: import everything, read and write a customer'
python - "$document" <<'PYTHON'
import builtins, importlib, json, os, pkgutil, sys
import small_client
from small_client.types import Unset

# The generator forgets this import where an operation takes several media types and no optional parameter.
builtins.Unset = Unset

for module in pkgutil.walk_packages(small_client.__path__, "small_client."):
    importlib.import_module(module.name)
models = small_client.models

document = json.load(open(sys.argv[1], encoding="utf-8"))
examples = {name: example["value"] for name, example in document["components"]["examples"].items()}
new_member = {"a_member_of_tomorrow": 1}
sent = {"filter": {"and": [{"field": "status", "value": "active"}, {"not": {"field": "name", "op": "contains", "value": "x"}}]}}
customer = models.Customer.from_dict(examples["Customer"] | new_member)
assert customer.to_dict()["annual_revenue"] == examples["Customer"]["annual_revenue"]
page = {"data": [examples["Customer"]], "page": {"next": None, "has_more": False, "total": None}}
row = models.CustomerPage.from_dict(page).data[0]
assert row.name == customer.name
assert models.CustomerCreate(name="Acme").to_dict() == {"name": "Acme"}, "what was not given must not be sent"
assert models.Search.from_dict(sent).to_dict()["filter"]["and"][1]["not"]["op"] == "contains"

# The same against the server.
from small_client.api.customers import create_customer, list_customers
client = small_client.AuthenticatedClient(base_url=os.environ["FARLEY_URL"], token=os.environ["FARLEY_KEY"])
made = create_customer.sync(client=client, body=small_client.models.CustomerCreate(name="Small"))
assert [row.name for row in list_customers.sync(client=client, id_in=[made.id]).data] == ["Small"]
PYTHON

echo '== schemathesis'
cat > hooks.py <<'PYTHON'
import re
import unicodedata
from urllib.parse import urlencode

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

NAMES = "sort|fields|expand|sum|avg|min|max|group_by|slice|filter|by|objects?|action"
# Valid by the schema and refused all the same: the code of the fault, the places it may be at, and why the document does not rule it out.
BEYOND_SCHEMAS = [
    ("blank|invalid_character", ".*", "texts of nothing but white space, and characters that no database keeps"),
    ("invalid_cursor", "/?cursor", "whether a cursor belongs to a list only the server knows"),
    ("conflicting|required|too_early|too_late|too_many|create_only", ".*", "what depends on another member, or on what is stored"),
    ("unknown_.*|not_.*|repeated|wrong_.*", f"/?({NAMES})(/.*)?", "names of fields, of which tenants have their own, and values of their kind"),
    ("unknown_member", "/[^/]+/.*", "parts that are read and written alike stay open: a client reads what is added to them later"),
    ("unknown_member", "/(q|as_of|merged)", "all searches share one body; some objects have no text, ledger or merges"),
    ("unknown_parameter", ".*", "filters on what the ledger does not keep, with `as_of`; parameters of one of several media types"),
    ("invalid_id|invalid_time|invalid_relative_time|invalid_period|invalid_setting_key", ".*", "`me` beside ids, `-30d` beside times: plain texts, which every client sends right"),
    ("malformed", "filter|mapping", "JSON in a parameter is a plain text, which every client sends right"),
    ("reference_not_found", ".*", "a record that is not there"),
    ("invalid_(key|social_credit_code|phone|email|url)|unknown_(country|currency|language|time_zone)", ".*", "check digits, and lists of countries, currencies, languages and time zones"),
    ("unknown_choice", "/trigger/types/[0-9]+", "types of events, which depend on the object of the rule"),
    ("invalid_decimal", "/.*", "decimals have at most 15 significant digits"),
    ("wrong_type", "/versions", "a map by the ids of records"),
    ("repeated", "/.*/[0-9]+(/.*)?", "ids of one record or clocks of one kind twice, in a list that says an order"),
    ("repeated", "/(name|record_id|object|content)", "a part of a form twice"),
    ("unknown_.*|wrong_type", "/scopes/[0-9]+", "permissions there are"),
    ("repeated", "types", "texts that are alike once they are trimmed"),
    ("too_large", "/targets/[0-9]+/warn_before_minutes", "a warning before the time it warns of begins"),
    ("too_small", "/(rfm_recency|rfm_frequency|rfm_monetary|sales_levels|frequency_levels)/[0-9]+", "bounds that rise"),
    ("wrong_type", "/pivot", "every dimension is down the side or along the top"),
    ("unknown_choice|wrong_type", "(/.*)?/chart/(category|series|measures(/[0-9]+)?)", "columns of the report itself"),
    ("invalid_date", "(/.*)?/(from|to)", "a date, or a day such as `start_of_year`"),
    ("wrong_type", "/(from|to)", "what a saved report has no dimension for"),
    ("unknown_choice", "/upsert_by", "the keys of the object"),
    ("unknown_member", "/rate_date", "the name of a field"),
    ("unknown_choice", "/field_rules/[0-9]+/object|types", "objects there are, and their events"),
    ("not_in_batch|not_earlier", "/operations/[0-9]+/(path|needs/[0-9]+)", "operations on records, and those before one"),
    ("invalid_key", "/operations/[0-9]+/ref", "names of operations"),
]


def is_beyond(response):
    try:
        problem = response.json()
    except ValueError:
        return False
    # A setting takes itself back whole: its other members are passed over as they are stored.
    own = lambda fault: "/settings/" in problem["instance"] and fault["code"] == "unknown_member"
    faults = [fault for fault in problem.get("errors", []) if not own(fault)]
    if not faults and problem.get("errors"):
        return True
    known = lambda fault: any(re.fullmatch(code, fault["code"]) and re.fullmatch(place, fault["pointer"], re.S) for code, place, _ in BEYOND_SCHEMAS)
    # Headers and forms with a grammar of their own: Content-Digest (RFC 9530), names of parts of a form.
    return all(known(fault) for fault in faults) if faults else problem.get("code") == "malformed_request"


@schemathesis.hook
def filter_case(context, case):
    # Longer addresses are refused by the HTTP parser itself, with an empty 400.
    return len(urlencode(case.query or {}, doseq=True)) < 60_000


@schemathesis.check
def valid_data_is_accepted(ctx, response, case):
    if response.status_code == 400 and is_beyond(response):
        return None
    return positive_data_acceptance(ctx, response, case)


@schemathesis.check
def invalid_data_is_refused(ctx, response, case):
    try:
        return negative_data_rejection(ctx, response, case)
    except AssertionError as failure:
        # A null in a search stands for a member that is absent.
        if "became null" in str(failure) and case.operation.path.endswith("/search"):
            return None
        # An empty filter, at any depth, is met by everything.
        if "filter" in str(failure) and ("Missing required property" in str(failure) or b'"filter": {}' in (response.request.body or b"")):
            return None
        # The length of a text is that of what is kept: without control characters, and trimmed.
        sent = f"{case.body!r}{case.query!r}"
        is_cleaned = any(unicodedata.category(character)[0] in "CZ" for character in sent) or re.search(r"\\[xu]", sent)
        if "maxLength" in str(failure) and is_cleaned:
            return None
        raise
PYTHON
cat > schemathesis.toml <<'TOML'
hooks = "hooks.py"
[generation]
database = "none"
[checks.positive_data_acceptance]
# Done by valid_data_is_accepted, with what depends on the records that are there: conflicts, versions, rules.
enabled = false
expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422", "428", "429"]
[checks.negative_data_rejection]
# Done by invalid_data_is_refused. Preconditions go before the body (RFC 9110), and so does its size.
enabled = false
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429"]
[[operations]]
# The same paths are those of /v1/…/{id}, whose methods they have too.
include-path-regex = '/ext:\{system\}:\{key\}$'
checks.allow_header_conformance.enabled = false
TOML
chosen=()
for tag in "${tags[@]}"; do chosen+=(--include-tag "$tag"); done
# A stream does not end, and schemathesis writes no mails.
schemathesis run "$FARLEY_URL/openapi.json" -H "Authorization: Bearer $FARLEY_KEY" --max-examples 10 --workers 1 --request-timeout 20 \
  --continue-on-failure --phases examples,coverage,fuzzing --exclude-path /v1/notifications/stream --exclude-path /v1/channels/email/inbound "${chosen[@]}"
echo 'All tools are content.'
