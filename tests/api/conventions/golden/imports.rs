//! Files read into objects, and what is told of their rows.

use serde_json::{Value, json};

use crate::{
    conventions::golden::recorder::{Failure, Recorder},
    support::TestDb,
};

/// Reads a file and waits for its end.
async fn import(r: &mut Recorder, body: Value) {
    let begun = r.admin.post("/v1/imports", body).await;
    let id = begun.ok(201)["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/imports/{id}");
    for _ in 0..600 {
        let now = r.admin.get(&path).await.ok(200);
        if now["status"] == "done" || now["status"] == "failed" {
            r.get(&path).await;
            r.get(&format!("{path}/faults")).await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the import never ended");
}

pub async fn imports_and_their_faults(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin_with_jobs(db, "imports", 1).await;
    r.post("/v1/custom-fields", json!({"object": "customer", "key": "tier", "field_type": "text", "label_zh": "客户等级"})).await;
    let content = "客户名称,所属行业,手机,邮箱,客户等级,来路不明\n华为技术有限公司,通信设备,13800138000,Info@Huawei.com,金,x\n,,,,,\n坏,,,nope,,\n";
    let guessed = json!({"object": "customer", "content": content});
    let mut mapped = guessed.clone();
    mapped["mapping"] = json!({"columns": [{"column": "来路不明", "field": "region", "values": {"x": "华东"}}]});
    let mut wrong = guessed.clone();
    wrong["mapping"] = json!({"columns": [{"column": "nowhere", "field": "name"}, {"column": "来路不明", "field": "nmae"}]});
    for body in [
        guessed,
        mapped.clone(),
        wrong,
        json!({"object": "lorry", "content": "", "mode": "x", "match_by": "ext:sap", "on_fault": "x"}),
        json!({"object": "customer", "content": "a,a\n1,2\n"}),
    ] {
        r.post("/v1/imports/preview", body).await;
    }
    import(&mut r, mapped).await;
    let by_key = |content: &str| json!({"object": "customer", "match_by": "ext:sap", "content": content, "file_name": "k.csv"});
    import(&mut r, by_key("name,external_ids.sap,region\nAcme,1,华东\nGlobex,2,华南\n")).await;
    import(&mut r, by_key("name,external_ids.sap,region\nAcme 2,1,\nGlobex,2,华南\nNew,3,\n,3,x\nTwice,4,\nTwice,4,\n")).await;
    import(
        &mut r,
        json!({"object": "contact", "content": "name,email,customer\nLi,li@example.cn,ext:sap:1\nWang,x,ext:sap:99\n"}),
    )
    .await;
    import(&mut r, json!({"object": "customer", "on_fault": "abort", "content": "name,email\nGood,a@example.com\nBad,nope\n"}))
        .await;
    import(&mut r, json!({"object": "customer", "dry_run": true, "content": "name\nTried\n"})).await;
    r.get("/v1/imports?sort=created_at&fields=status,created_count,updated_count,unchanged_count,failed_count,file_name,mode")
        .await;
    r.get("/v1/customers?sort=created_at,name&fields=name,region,external_ids,version").await;
    r.end().await
}
