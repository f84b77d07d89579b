//! The document, operation by operation, and whether an answer is one that it declares.

use std::collections::HashMap;

use farley::{app::server, http::problem::Code};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{
    client::{Answer, Client, Request},
    support::new_id,
};

/// How many operations the document has: none comes or goes by accident.
const OPERATIONS: usize = 811;

pub struct Contract {
    document: Value,
    /// Compiled schemas by status and operation.
    schemas: HashMap<String, jsonschema::Validator>,
}

#[derive(Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub id: String,
    pub declared: Value,
}

impl Contract {
    pub fn new() -> Contract {
        Contract { document: server::document(), schemas: HashMap::new() }
    }

    pub fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, item) in self.document["paths"].as_object().expect("paths") {
            for (method, declared) in item.as_object().expect("a path").iter().filter(|(method, _)| *method != "parameters") {
                let method = method.to_uppercase().parse().expect("a method");
                let id = declared["operationId"].as_str().expect("an id").to_owned();
                // What has a name of its own is asked of an object that is there.
                let path = path
                    .replace("{object}", "customer")
                    .replace("{collection}", "customers")
                    .replace("{name}", "sales-performance");
                let mut declared = declared.clone();
                declared["requestBody"] = self.resolve(&declared["requestBody"]).clone();
                let mut operation = Operation { method, path, id, declared };
                operation.fill_example(self);
                operations.push(operation);
            }
        }
        assert_eq!(operations.len(), OPERATIONS, "the number of operations is kept exactly");
        operations
    }

    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let reference = value["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
        reference.map_or(value, |reference| self.document.pointer(reference).expect("a reference leads somewhere"))
    }

    /// The answer is one that the document declares: status, type of body, and the body itself.
    pub fn check(&mut self, operation: &Operation, answer: &Answer) {
        let status = answer.status.to_string();
        let what = format!("{} {status}: {}", operation.id, answer.text);
        let responses = &operation.declared["responses"];
        // What any request can meet is declared for all of them, each status by name; what tells something of an operation it declares
        // itself.
        let any = &responses[if answer.status < 500 { "4XX" } else { "default" }];
        let declared = self.resolve(responses.get(&status).unwrap_or(any)).clone();
        let doc = declared["description"].as_str().unwrap_or_default();
        assert!(responses.get(&status).is_some() || doc.contains(&format!("**{status}**")), "undocumented: {what}");
        let media_type = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
        let Some(content) = declared["content"].as_object().filter(|content| !content.is_empty()) else {
            assert_eq!(answer.text, "", "{what}");
            return;
        };
        let schema = &content.get(&media_type).unwrap_or_else(|| panic!("{media_type} is undocumented: {what}"))["schema"];
        let key = format!("{status} {}", if answer.status < 300 { operation.id.as_str() } else { "problem" });
        // What an operation answers refers to nearly every object there is, some ten megabytes once it is understood: only the last one's is
        // kept, beside those of problems.
        if !self.schemas.contains_key(&key) {
            self.schemas.retain(|known, _| known.ends_with("problem"));
        }
        let validator = self.schemas.entry(key).or_insert_with(|| {
            let root = json!({"components": self.document["components"], "allOf": [schema]});
            jsonschema::options().should_validate_formats(true).build(&root).expect("a schema")
        });
        let faults: Vec<String> =
            validator.iter_errors(&answer.body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?} in {what}");
        if answer.status >= 400 {
            let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
            assert!(Code::ALL.iter().any(|known| known.as_str() == code), "{what}");
            answer.clone().refused(answer.status, &code);
        }
        for (name, header) in declared["headers"].as_object().into_iter().flatten() {
            let required = self.document.pointer(&header["$ref"].as_str().unwrap_or_default().replace('#', "")).unwrap_or(header)
                ["required"]
                == true;
            assert!(!required || answer.headers.contains_key(name.as_str()), "no {name}: {what}");
        }
    }
}

impl Operation {
    /// Whether it is there to change something.
    pub fn writes(&self) -> bool {
        self.method != Method::GET && !self.id.starts_with("search")
    }

    /// Whether no user need be known. Portals are looked for before it is asked who comes.
    pub fn is_open(&self) -> bool {
        let is_none = |one: &Value| *one == json!({}) || one.get("portalToken").is_some();
        self.declared["security"].as_array().is_some_and(|needed| needed.iter().all(is_none))
    }

    /// Whether it declares a parameter that operations share.
    pub fn takes(&self, shared: &str) -> bool {
        let reference = format!("#/components/parameters/{shared}");
        let parameters = self.declared["parameters"].as_array().into_iter().flatten();
        parameters.into_iter().any(|parameter| parameter["$ref"] == *reference)
    }

    pub fn is_of_the_operator(&self) -> bool {
        self.declared["tags"][0] == "tenants"
    }

    pub fn names_a_record(&self) -> bool {
        ["{id}", "_id}", "{token}"].iter().any(|parameter| self.path.contains(parameter))
    }

    /// The path of a record that is not there, or of the one given; below no parent.
    pub fn path_of(&self, id: &str) -> String {
        self.path_below(id, id)
    }

    /// The path of a record below a parent.
    pub fn path_below(&self, parent: &str, id: &str) -> String {
        let path = self.path.replace("{session_id}", &new_id().to_string());
        let path = self.parent().map_or(path.clone(), |(parameter, _)| path.replace(&parameter, parent));
        let path = path.replace("{id}", id).replace("{token}", id).replace("{system}", "sap").replace("{key}", "777");
        // What a read must be told, as the document shows it.
        let parameters = self.declared["parameters"].as_array().into_iter().flatten();
        let needed = parameters.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
        let needed: Vec<String> = needed
            .filter_map(|parameter| {
                let example = &parameter["schema"]["examples"][0];
                let value = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                Some(format!("{}={value}", parameter["name"].as_str()?))
            })
            .collect();
        if needed.is_empty() { path } else { format!("{path}?{}", needed.join("&")) }
    }

    /// The parameter that stands for the parent of a part, and the path of its collection.
    pub fn parent(&self) -> Option<(String, String)> {
        let (collection, rest) = self.path.split_once("/{")?;
        let (parameter, _) = rest.split_once('}').filter(|(name, rest)| name.ends_with("_id") && !rest.is_empty())?;
        Some((format!("{{{parameter}}}"), collection.to_owned()))
    }

    /// The object that a generic operation creates: `createLineItem` makes a `line_item`.
    pub fn object(&self) -> String {
        let name = self.id.trim_start_matches("create");
        name.char_indices().fold(String::new(), |snake, (position, letter)| {
            let separator = if letter.is_uppercase() && position > 0 { "_" } else { "" };
            format!("{snake}{separator}{}", letter.to_lowercase())
        })
    }

    /// The documented example of its body.
    pub fn example(&self) -> Option<Value> {
        let content = self.declared["requestBody"]["content"].as_object()?;
        Some(content.get("application/json").map_or(json!({}), |json| json.get("example").cloned().unwrap_or(json!({}))))
    }

    /// A body with what is required, for one without an example.
    fn fill_example(&mut self, contract: &Contract) {
        let Some(json) = self.declared["requestBody"]["content"].get("application/json").cloned() else { return };
        if json.get("example").is_some() {
            return;
        }
        if let Some(shown) = json["examples"].as_object().and_then(|shown| shown.values().next()) {
            self.declared["requestBody"]["content"]["application/json"]["example"] = contract.resolve(shown)["value"].clone();
            return;
        }
        let schema = contract.resolve(&json["schema"]);
        let value = |name: &str| match &schema["properties"][name] {
            declared if declared["examples"].is_array() => declared["examples"][0].clone(),
            declared if declared.get("example").is_some() => declared["example"].clone(),
            _ => json!("a long enough text"),
        };
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let body: Map<String, Value> = required.map(|name| (name.to_owned(), value(name))).collect();
        self.declared["requestBody"]["content"]["application/json"]["example"] = Value::Object(body);
    }

    pub fn send(&self, client: &Client, path: &str) -> Request {
        let request = client.request(self.method.clone(), path);
        let form = self.declared["requestBody"]["content"].get("application/x-www-form-urlencoded").is_some();
        match self.example() {
            Some(_) if form => request.body("application/x-www-form-urlencoded", "grant_type=password&username=x&password=y"),
            Some(body) => request.json(&body),
            None => request,
        }
    }
}
