//! Products: what is sold, at which list price.

use serde_json::json;

use crate::{choices, entity, values::money::Money};

choices! {
    /// Whether a product is still sold.
    pub enum ProductStatus {
        Active "active" "Active" "在售",
        Discontinued "discontinued" "Discontinued" "停售",
    }
}

entity! {
    /// A product: an item that is sold, with its list price.
    pub struct Product("product", "products", "products", "Product", "产品") [tagged, external, custom] {
        /// The name; unique among live products.
        name: String => text(200).required().title().indexed().label("Name", "名称").example("GTX Pro"),
        /// The SKU; unique among live products.
        sku: Option<String> => text(80).title().indexed().label("SKU", "产品编码").example("GTX-PRO"),
        /// The series or family it belongs to.
        family: Option<String> => text(100).indexed().label("Family", "系列").example("GTX"),
        /// Whether it is still sold.
        status: Option<ProductStatus> => choice(ProductStatus::choices()).default("active").indexed().label("Status", "状态").example("active"),
        /// The unit price before any discount.
        list_price: Option<Money> => money().label("List price", "标价").example(json!({"amount": 482_100, "currency": "USD"})),
        /// The unit: piece, licence, hour …
        unit: Option<String> => text(40).label("Unit", "单位").example("台"),
        /// Notes.
        description: Option<String> => long_text(20_000).searchable().label("Description", "描述"),
    }
    extend |object| object.unique("products_name_key", "name").unique("products_sku_key", "sku")
}
