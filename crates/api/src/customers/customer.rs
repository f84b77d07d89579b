//! What is special about a customer when it is written: the pool it waits in, and the cadences it is on.

use farley_domain::{
    customers::customer::Customer,
    model::{entity::Entity, record::Record},
};
use farley_persistence::Work;

use crate::{
    http::problem::Problem,
    records::behaviour::{Behaviour, Shown, Writing},
    sales::{after_enrolled, after_pooled, before_pooled},
};

impl Behaviour for Customer {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        before_pooled(work, &writing.any(), Customer::object(), record.any_mut())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let (writing, record) = (&writing.any(), record.any());
        after_pooled(work, writing, Customer::object(), record)?;
        after_enrolled(work, writing, Customer::object(), record)?;
        Ok(Shown::new())
    }
}
