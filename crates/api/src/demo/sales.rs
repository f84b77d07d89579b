//! What is sold and how: products, and pipelines with their stages, reasons and the days that sales stay in each stage.

use farley_domain::{
    catalog::product::Product,
    model::{entity::Entity, fault::Faults, record::Record},
    sales::{
        pipeline::Pipeline,
        stage::{Stage, StageKind},
    },
    values::{id::Id, money::Currency},
};
use serde_json::{Value, json};

use super::{base::Rows, places::Country};

/// A product: its names, its series, its unit, its price in whole yuan.
type ProductRow = (&'static str, &'static str, &'static str, &'static str, i64);

#[rustfmt::skip]
const PRODUCTS: [ProductRow; 20] = [
    ("标准服务器 S1", "Standard Server S1", "Server", "台", 28_000),
    ("高性能服务器 S5", "Performance Server S5", "Server", "台", 86_000),
    ("GPU 服务器 G8", "GPU Server G8", "Server", "台", 420_000),
    ("存储阵列 A200", "Storage Array A200", "Storage", "台", 135_000),
    ("备份一体机 B10", "Backup Appliance B10", "Storage", "台", 64_000),
    ("核心交换机 X48", "Core Switch X48", "Network", "台", 52_000),
    ("接入交换机 X24", "Access Switch X24", "Network", "台", 7_800),
    ("无线接入点 W6", "Access Point W6", "Network", "个", 2_400),
    ("下一代防火墙 F3", "Firewall F3", "Security", "台", 48_000),
    ("终端安全订阅", "Endpoint Security", "Security", "点/年", 180),
    ("工业网关 I4", "Industrial Gateway I4", "IoT", "台", 5_600),
    ("环境传感器套件", "Sensor Kit", "IoT", "套", 980),
    ("数据平台企业版", "Data Platform Enterprise", "Software", "套/年", 260_000),
    ("数据平台标准版", "Data Platform Standard", "Software", "套/年", 88_000),
    ("协同办公订阅", "Collaboration Suite", "Software", "人/年", 360),
    ("云主机资源包", "Cloud Compute Package", "Cloud", "个", 12_000),
    ("对象存储资源包", "Object Storage Package", "Cloud", "TB/年", 1_400),
    ("实施服务", "Implementation Service", "Service", "人天", 3_200),
    ("驻场运维", "On-site Operations", "Service", "人月", 28_000),
    ("金牌维保", "Gold Support", "Service", "年", 36_000),
];

/// A stage: its name, its kind, its probability, after how many days it rots.
type StageRow = (&'static str, &'static str, i64, i64);

struct PipelineRow {
    name: &'static str,
    stages: &'static [StageRow],
    /// How many days a sale stays in a stage, about.
    days: i64,
}

#[rustfmt::skip]
const PIPELINES: [PipelineRow; 2] = [
    PipelineRow { name: "直销 / Direct sales", days: 12, stages: &[
        ("初步接触 / Contact", "open", 10, 21), ("需求确认 / Qualification", "open", 25, 21), ("方案演示 / Demo", "open", 40, 30),
        ("方案报价 / Proposal", "open", 55, 30), ("商务谈判 / Negotiation", "open", 75, 21), ("赢单 / Won", "won", 100, 0), ("输单 / Lost", "lost", 0, 0),
    ] },
    PipelineRow { name: "大客户 / Key accounts", days: 24, stages: &[
        ("立项 / Project", "open", 10, 45), ("需求调研 / Discovery", "open", 20, 45), ("技术交流 / Technical talks", "open", 35, 45),
        ("试用测试 / Pilot", "open", 50, 60), ("招投标 / Tender", "open", 60, 60), ("合同谈判 / Contract", "open", 80, 30), ("赢单 / Won", "won", 100, 0), ("输单 / Lost", "lost", 0, 0),
    ] },
];

pub const WIN_REASONS: [(u32, &str); 5] = [
    (30, "产品功能 / Product"),
    (25, "价格 / Price"),
    (20, "关系 / Relationship"),
    (15, "服务 / Service"),
    (10, "交期 / Delivery"),
];

pub const LOSS_REASONS: [(u32, &str); 5] = [
    (32, "价格 / Price"),
    (26, "竞争对手 / Competitor"),
    (20, "预算取消 / Budget cut"),
    (14, "没有决定 / No decision"),
    (8, "产品不符 / Product gap"),
];

/// A product as sales are made of it.
#[derive(Debug)]
pub struct Sold {
    pub id: Id,
    pub zh: &'static str,
    pub en: &'static str,
    /// Whole yuan.
    price: i64,
}

impl Sold {
    /// The list price in minor units of what is paid in a country.
    pub fn price(&self, country: Country) -> (i64, &'static str) {
        let rate = match country {
            Country::China => 1,
            Country::UnitedStates => 7,
            Country::UnitedKingdom => 9,
            Country::Germany => 8,
        };
        (self.price * 100 / rate, country.currency())
    }
}

/// A pipeline with its stages in their order.
#[derive(Debug)]
pub struct Way {
    pub pipeline: Record<Pipeline>,
    pub stages: Vec<Record<Stage>>,
    pub days: i64,
}

impl Way {
    pub fn open(&self) -> Vec<&Record<Stage>> {
        self.stages.iter().filter(|stage| stage.get(Stage::kind) == Some(StageKind::Open)).collect()
    }

    /// The stage in which sales of a kind end.
    pub fn end(&self, kind: StageKind) -> Value {
        let end = self.stages.iter().find(|stage| stage.get(Stage::kind) == Some(kind));
        end.map_or(Value::Null, |stage| stage.id().to_string().into())
    }
}

pub fn add_products(rows: &mut Rows<'_>) -> Result<Vec<Sold>, Faults> {
    let mut sold = Vec::new();
    for (zh, en, family, unit, price) in PRODUCTS {
        let body = json!({
            "name": format!("{zh} / {en}"), "sku": format!("{}-{:03}", family.to_uppercase(), sold.len() + 1), "family": family, "unit": unit,
            "list_price": {"amount": price * 100, "currency": Currency::CNY.code()},
        });
        sold.push(Sold { id: rows.add(Product::object(), &body)?, zh, en, price });
    }
    Ok(sold)
}

pub fn add_pipelines(rows: &mut Rows<'_>) -> Result<Vec<Way>, Faults> {
    let reasons = |reasons: [(u32, &'static str); 5]| reasons.map(|(_, reason)| reason);
    let mut ways = Vec::new();
    for row in &PIPELINES {
        let first = ways.is_empty();
        let body = json!({"name": row.name, "is_default": first, "win_reasons": reasons(WIN_REASONS), "loss_reasons": reasons(LOSS_REASONS)});
        let pipeline = rows.add(Pipeline::object(), &body)?;
        for (order, (name, kind, probability, rotting)) in row.stages.iter().enumerate() {
            let mut body = json!({
                "pipeline_id": pipeline.to_string(), "name": name, "kind": kind, "sort_order": order + 1, "probability": probability,
            });
            if *rotting > 0 {
                body["rotting_days"] = (*rotting).into();
            }
            rows.add(Stage::object(), &body)?;
        }
        let made = |record: &&Record| record.id() == pipeline;
        let stages = rows.of(Stage::object()).map(Record::of::<Stage>);
        let stages = stages.filter(|stage| stage.get(Stage::pipeline_id) == Some(pipeline)).cloned().collect();
        let Some(pipeline) = rows.of(Pipeline::object()).find(made).cloned() else { continue };
        ways.push(Way { pipeline: pipeline.into_entity(), stages, days: row.days });
    }
    Ok(ways)
}
