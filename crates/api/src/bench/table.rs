//! The figures, side by side with what they are to reach.

use super::{
    bare_sql::BareSql,
    lanes::Lanes,
    measure::Measured,
    sales::Sales,
    works::{Engine, Target, Work},
};

pub struct Report {
    pub engine: Engine,
    /// In the order in which they were measured.
    pub works: Vec<(Work, Measured)>,
    pub sql: BareSql,
    /// Seconds.
    pub first_answer: f64,
    /// MB now and at the highest.
    pub memory: Option<(f64, f64)>,
    /// Where there are opportunities.
    pub sales: Option<Sales>,
    /// Where there are opportunities.
    pub lanes: Option<Lanes>,
}

impl Report {
    pub fn print(&self) {
        println!(
            "{:<40} {:>10} {:>8} {:>8} {:>8} {:>9}  target",
            self.engine.name(),
            "per second",
            "p50 ms",
            "p99 ms",
            "of bare",
            "of SQL"
        );
        for (place, (work, measured)) in self.works.iter().enumerate() {
            self.print_work(place, work, measured);
        }
        print_row("bare SQL: select by key", &self.sql.get, "", "", "");
        print_row("bare SQL: list of 50", &self.sql.list, "", "", "");
        print_row("bare SQL: durable rows", &self.sql.insert, "", "", "");
        if let Some(sales) = &self.sales {
            sales.print();
        }
        if let Some(lanes) = &self.lanes {
            lanes.print();
        }
        println!("first answer after {:.3} s: {}", self.first_answer, verdict("≤ 0.5 s", self.first_answer <= 0.5));
        match self.memory {
            Some((now, highest)) => {
                println!("resident memory {now:.0} MB, at most {highest:.0} MB: {}", verdict("< 120 MB", highest < 120.0));
            }
            None => println!("resident memory: this system does not tell"),
        }
    }

    fn print_work(&self, place: usize, work: &Work, measured: &Measured) {
        let of_bare = measured.per_second / self.bare_around(place);
        let sql = match work {
            Work::Get => Some(&self.sql.get),
            Work::List | Work::Deep { .. } => Some(&self.sql.list),
            Work::Create => Some(&self.sql.insert),
            Work::Bare | Work::Search { .. } => None,
        };
        let of_sql = sql.map(|sql| format!("{:.3}", measured.per_second / sql.per_second)).unwrap_or_default();
        let target = match work.target(self.engine) {
            None => String::new(),
            Some(Target::OfBare(share)) => verdict(&format!("≥ {share:.2} of bare"), of_bare >= share),
            Some(Target::OfFirstPage(share)) => {
                let reached = measured.per_second / self.first_page();
                verdict(&format!("≥ {share:.2} of page one, is {reached:.2}"), reached >= share)
            }
        };
        let of_bare = if *work == Work::Bare { String::new() } else { format!("{of_bare:.3}") };
        print_row(&work.label(), measured, &of_bare, &of_sql, &target);
    }

    /// The rate of the bare route next to a work: the mean of the runs before and after it, since machines drift.
    fn bare_around(&self, place: usize) -> f64 {
        let bare = |(work, measured): &(Work, Measured)| (*work == Work::Bare).then_some(measured.per_second);
        let (before, after) = self.works.split_at(place);
        match (before.iter().rev().find_map(bare), after.iter().find_map(bare)) {
            (Some(before), Some(after)) => f64::midpoint(before, after),
            (Some(rate), None) | (None, Some(rate)) => rate,
            (None, None) => f64::NAN,
        }
    }

    fn first_page(&self) -> f64 {
        self.works.iter().find(|(work, _)| *work == Work::List).map_or(f64::NAN, |(_, measured)| measured.per_second)
    }
}

pub fn verdict(target: &str, reached: bool) -> String {
    format!("{} ({target})", if reached { "ok" } else { "MISSED" })
}

pub fn print_row(label: &str, measured: &Measured, of_bare: &str, of_sql: &str, target: &str) {
    // A Chinese character takes the room of two letters.
    let wide = label.chars().filter(|letter| farley_domain::values::text::is_cjk(*letter)).count();
    let room = 40_usize.saturating_sub(wide);
    println!(
        "{label:<room$} {:>10.0} {:>8.2} {:>8.2} {of_bare:>8} {of_sql:>9}  {target}",
        measured.per_second, measured.p50, measured.p99
    );
}
