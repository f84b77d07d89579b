//! Reads the figures of a question: which groups there are along each dimension, and what is computed of the records of each. Every table,
//! those of totals too, is read and worked out anew, so that no ratio, mean or number of different values is ever added up.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use farley_domain::{
    model::{
        fault::{Fault, FaultCode},
        field::{Field, FieldType, Op},
        operand::Operand,
    },
    query::{
        past::AsOf,
        predicate::{Predicate, View, parse},
    },
    reporting::{
        bucket::Bucket,
        question::Function,
        table::{Course, Figure, Row, derive},
    },
    values::{
        calendar::{day_of, start_of_day},
        money::Currency,
        number::half_away,
        time::{Timestamp, parse_date},
    },
};
use farley_persistence::{Bound, Cell, Cut, Group, Numbers, Reader};
use serde_json::{Value, json};

use super::{
    QuestionBody,
    asked::{Asker, Cutting, Dimension, How, Lead, Question, in_zone},
    mixed,
};
use crate::{
    http::problem::Problem,
    records::summary::{Key, mean, to_six_places},
};

/// How many groups a table is made of at most.
const MAX_GROUPS: usize = 50_000;
/// How many stretches of time a dimension has at most: ten years of days.
const MAX_STRETCHES: usize = 3_700;
/// How many stretches a cyclic bucket is listed by: a filter takes no more tests.
const MAX_LISTED: usize = 80;

/// One value of a dimension.
pub struct Member {
    /// For programs: a bucket's key, a range's number, the value itself; null where there is none.
    pub key: Value,
    /// What records it has; none where a filter cannot say.
    pub filter: Option<Value>,
    pub kind: MemberKind,
}

#[derive(Clone, Copy, PartialEq)]
pub enum MemberKind {
    Value,
    /// A stretch of time, by its first day; of what comes round again, any such day.
    Bucket(NaiveDate),
    /// From a bound, if not the least, to the next, if not the greatest.
    Range(Option<f64>, Option<f64>),
    Other,
    Missing,
}

/// A dimension with its values in order.
pub struct Axis {
    pub members: Vec<Member>,
    pub course: Course,
    group: Group,
    fill: bool,
    /// Of values that are read one by one: their places.
    places: HashMap<String, usize>,
    missing: Option<usize>,
    /// What narrows the rows of the question: with what comes before, and without.
    bounds: [Option<Value>; 2],
}

/// A group as it is read: its values, and its figures.
type Found = (Vec<Cell>, Vec<Figure>);

/// Reads the tables of one question.
pub struct Tables<'q, 'r> {
    question: &'q Question,
    reader: &'q mut Reader<'r>,
    asker: &'q Asker,
    now: Timestamp,
    pub axes: Vec<Axis>,
}

impl<'q, 'r> Tables<'q, 'r> {
    /// Finds the values of the dimensions, as far as they are known before rows are read.
    pub fn open(
        question: &'q Question,
        reader: &'q mut Reader<'r>,
        asker: &'q Asker,
        now: Timestamp,
    ) -> Result<Tables<'q, 'r>, Problem> {
        let mut tables = Tables { question, reader, asker, now, axes: Vec::new() };
        for dimension in &question.dimensions {
            let axis = tables.axis(dimension)?;
            tables.axes.push(axis);
        }
        for place in 0..question.dimensions.len() {
            tables.find_first(place)?;
        }
        Ok(tables)
    }

    /// The filter of the question itself: what was asked, within the bounds of its dimensions.
    pub fn base(&self) -> Vec<Value> {
        let bounds = self.axes.iter().filter_map(|axis| axis.bounds[1].clone());
        self.question.filter.iter().cloned().chain(bounds).collect()
    }

    /// The rows of all dimensions, with those that are only there to compare with.
    pub fn whole(&mut self) -> Result<Vec<Row>, Problem> {
        let all: Vec<usize> = (0..self.axes.len()).collect();
        let found = self.read(&all, None)?;
        for place in 0..self.axes.len() {
            self.discover(place, found.iter().map(|(cells, _)| &cells[place]))?;
        }
        self.rows(&all, found)
    }

    /// The rows of some of the dimensions, all others added up.
    pub fn total(&mut self, kept: &[usize]) -> Result<Vec<Row>, Problem> {
        let found = self.read(kept, None)?;
        self.rows(kept, found)
    }

    /// Those that may be shown: without what is only compared with.
    pub fn is_shown(&self, row: &Row) -> bool {
        row.key.iter().zip(&self.axes).all(|(place, axis)| place.is_none_or(|place| place >= axis.course.lead))
    }

    fn axis(&mut self, dimension: &Dimension) -> Result<Axis, Problem> {
        let axis = Axis {
            members: Vec::new(),
            course: Course::default(),
            group: dimension.group.clone(),
            fill: false,
            places: HashMap::new(),
            missing: None,
            bounds: [None, None],
        };
        match &dimension.cut {
            Cutting::Each => Ok(axis),
            Cutting::Ranges(bounds) => Ok(ranges(dimension, bounds, axis)),
            Cutting::Buckets { bucket, from, to, fill } => self.buckets(dimension, (*bucket, *from, *to, *fill), axis),
        }
    }

    fn buckets(
        &mut self,
        dimension: &Dimension,
        (bucket, from, to, fill): (Bucket, Option<NaiveDate>, Option<NaiveDate>, bool),
        mut axis: Axis,
    ) -> Result<Axis, Problem> {
        let (fiscal, zone) = (self.question.fiscal, self.question.zone);
        let is_time = dimension.group.field.kind == FieldType::DateTime;
        let instant = |day: NaiveDate| if is_time { json!(start_of_day(day, zone)) } else { json!(day) };
        let condition = |op: Op, day: NaiveDate| json!({"field": dimension.path, "op": op.as_str(), "value": instant(day)});
        // What is before the first day, to compare with, is read with it.
        let start = from.and_then(|from| bucket.around(from, fiscal)).map(|stretch| stretch.start);
        let lead = start.and_then(|start| match dimension.lead {
            Lead::None => None,
            Lead::Period => bucket.around(start.pred_opt()?, fiscal).map(|stretch| stretch.start),
            Lead::Year => bucket.around(bucket.year_before(start)?, fiscal).map(|stretch| stretch.start),
        });
        let between = |from: Option<NaiveDate>| {
            let bounds: Vec<Value> =
                from.map(|day| condition(Op::Gte, day)).into_iter().chain(to.map(|day| condition(Op::Lt, day))).collect();
            (!bounds.is_empty()).then(|| json!({"and": bounds}))
        };
        axis.bounds = [between(lead.or(from)), between(from)];
        let first_asked = lead.or(from);
        let last_asked = to.and_then(|to| to.pred_opt());
        let extent = match (first_asked, last_asked) {
            (Some(first), Some(last)) => Some((first, last)),
            _ => {
                let rows = self.within(&[axis.bounds[0].clone()])?;
                let found = self.reader.extent(self.question.object, &rows, &dimension.group, self.question.as_of)?;
                let found = found.and_then(|(least, greatest)| Some((day(&least, zone)?, day(&greatest, zone)?)));
                match (found, first_asked, last_asked) {
                    (Some((least, greatest)), first, last) => Some((first.unwrap_or(least), last.unwrap_or(greatest))),
                    (None, Some(only), None) | (None, None, Some(only)) => Some((only, only)),
                    (None, ..) => None,
                }
            }
        };
        let stretches = match extent {
            Some((first, last)) => bucket
                .all(first, last, fiscal, MAX_STRETCHES)
                .ok_or_else(|| Fault::new(QuestionBody::dimensions.pointer(), FaultCode::TooMany).with("max", MAX_STRETCHES))?,
            None => Vec::new(),
        };
        axis.fill = fill;
        let bounds = stretches
            .iter()
            .skip(1)
            .map(|stretch| if is_time { Bound::Time(start_of_day(stretch.start, zone)) } else { Bound::Date(stretch.start) });
        let stretch_filter =
            |start: NaiveDate, end: NaiveDate| json!({"and": [condition(Op::Gte, start), condition(Op::Lt, end)]});
        if bucket.is_cyclic() {
            let numbers = stretches.iter().filter_map(|stretch| bucket.place(stretch.start, fiscal)).map(i64::from).collect();
            axis.group.cut = Some(Cut::At(bounds.collect(), Numbers::Given(numbers)));
            for (place, first) in (0..).zip(bucket.cycle(fiscal)) {
                let own = stretches.iter().filter(|stretch| bucket.place(stretch.start, fiscal) == Some(place));
                let own: Vec<Value> = own.map(|stretch| stretch_filter(stretch.start, stretch.end)).collect();
                let filter = (own.len() <= MAX_LISTED).then(|| json!({"or": own}));
                axis.members.push(Member { key: json!(bucket.key(first, fiscal)), filter, kind: MemberKind::Bucket(first) });
            }
            if stretches.is_empty() {
                axis.members.clear();
            }
            return Ok(axis);
        }
        axis.group.cut = Some(Cut::at(bounds.collect()));
        let lead = start.map_or(0, |start| stretches.iter().take_while(|stretch| stretch.start < start).count());
        axis.course = Course {
            periods: stretches.len(),
            lead,
            year_before: stretches
                .iter()
                .map(|stretch| {
                    let before = bucket.around(bucket.year_before(stretch.start)?, fiscal)?.start;
                    stretches.iter().position(|other| other.start == before)
                })
                .collect(),
        };
        for stretch in &stretches {
            axis.members.push(Member {
                key: json!(bucket.key(stretch.start, fiscal)),
                filter: Some(stretch_filter(stretch.start, stretch.end)),
                kind: MemberKind::Bucket(stretch.start),
            });
        }
        Ok(axis)
    }

    /// Finds the first values of a dimension, by the measure that says which are first.
    fn find_first(&mut self, place: usize) -> Result<(), Problem> {
        let dimension = &self.question.dimensions[place];
        let Some(top) = &dimension.top else { return Ok(()) };
        let found = self.read(&[place], Some(place))?;
        let cells: Vec<Cell> = found.iter().map(|(cells, _)| cells[0].clone()).collect();
        let mut rows: Vec<Row> =
            found.into_iter().enumerate().map(|(number, (_, figures))| Row { key: vec![Some(number)], figures }).collect();
        self.work_out(&mut rows)?;
        let mut ranked = Vec::new();
        for row in &rows {
            let figure = row.figures[top.by].number().map_err(mixed)?;
            ranked.push((figure, row.key[0].unwrap_or_default()));
        }
        ranked.sort_by(|left, right| {
            let order = match (left.0, right.0) {
                (Some(left), Some(right)) if top.least => left.total_cmp(&right),
                (Some(left), Some(right)) => right.total_cmp(&left),
                (left, right) => left.is_none().cmp(&right.is_none()),
            };
            order.then_with(|| Key::of(&cells[left.1]).cmp(&Key::of(&cells[right.1])))
        });
        let has_others = ranked.len() > top.n;
        let first: Vec<&Cell> = ranked.iter().take(top.n).map(|(_, place)| &cells[*place]).collect();
        let missing_is_first = first.iter().any(|cell| **cell == Cell::Null);
        let given: Vec<&Cell> = first.into_iter().filter(|cell| **cell != Cell::Null).collect();
        let values = given.iter().map(|cell| cell.to_value()).collect::<Result<Vec<Value>, _>>()?;
        let path = &dimension.path;
        let missing = || json!({"not": {"field": path, "op": "null", "value": false}});
        let any = |values: &[Value]| json!({"field": path, "op": "in", "value": values});
        let axis = &mut self.axes[place];
        if !top.other && has_others {
            let mut parts = vec![any(&values)];
            if missing_is_first {
                parts.push(missing());
            }
            axis.bounds = [Some(json!({"or": parts})), Some(json!({"or": parts}))];
        }
        axis.group.cut =
            Some(Cut::Values { values: given.iter().map(|cell| operand(cell)).collect(), missing_is_other: !missing_is_first });
        for value in &values {
            axis.members.push(Member { key: value.clone(), filter: Some(condition(path, value)), kind: MemberKind::Value });
        }
        if has_others && top.other {
            let other = json!({"not": any(&values)});
            let filter =
                if missing_is_first { json!({"and": [other, {"field": path, "op": "null", "value": false}]}) } else { other };
            // Of several related records some may be among the first and some not, which no filter can say.
            let filter = Some(filter).filter(|_| !dimension.group.leads_to_many());
            axis.members.push(Member { key: json!("other"), filter, kind: MemberKind::Other });
        }
        Ok(())
    }

    /// Which values there are, of a dimension whose values are read one by one; and whether there are rows without one.
    fn discover<'c>(&mut self, place: usize, cells: impl Iterator<Item = &'c Cell>) -> Result<(), Problem> {
        let path = self.question.dimensions[place].path.clone();
        let axis = &mut self.axes[place];
        let reads_each = axis.group.cut.is_none();
        let mut values: BTreeMap<Key, &Cell> = BTreeMap::new();
        let mut has_missing = false;
        for cell in cells {
            match cell {
                Cell::Null => has_missing = true,
                cell if reads_each => drop(values.insert(Key::of(cell), cell)),
                _ => {}
            }
        }
        for cell in in_order(&axis.group.field, values.into_values().collect()) {
            let value = cell.to_value()?;
            axis.places.insert(value.to_string(), axis.members.len());
            axis.members.push(Member { filter: Some(condition(&path, &value)), key: value, kind: MemberKind::Value });
        }
        if has_missing {
            axis.missing = Some(axis.members.len());
            let money = axis.group.field.money().and_then(|_| path.strip_suffix(".currency"));
            let filter = match money {
                // A currency is missing where the amount is; that can be asked.
                Some(amount) => json!({"field": amount, "op": "null", "value": true}),
                // Also where there is no related record to have a value.
                None => json!({"not": {"field": path, "op": "null", "value": false}}),
            };
            axis.members.push(Member { key: Value::Null, filter: Some(filter), kind: MemberKind::Missing });
        }
        Ok(())
    }

    /// The rows asked about, within more filters.
    fn within(&self, filters: &[Option<Value>]) -> Result<Predicate, Problem> {
        let present = in_zone(self.asker, self.now, self.question.zone);
        let view = AsOf::of(&present, self.question.object, self.question.as_of.is_some());
        let mut rows = self.question.rows.clone();
        for filter in filters.iter().flatten() {
            rows = rows.and(parse::from_json(self.question.object, filter, &view as &dyn View)?);
        }
        Ok(rows)
    }

    /// The groups of some dimensions with the figures that are read; `plain` reads the values of one of them one by one.
    fn read(&mut self, kept: &[usize], plain: Option<usize>) -> Result<Vec<Found>, Problem> {
        let object = self.question.object;
        let groups: Vec<Group> = kept
            .iter()
            .map(|place| match plain {
                Some(plain) if plain == *place => self.question.dimensions[*place].group.clone(),
                _ => self.axes[*place].group.clone(),
            })
            .collect();
        let filters: Vec<Option<Value>> = self
            .axes
            .iter()
            .enumerate()
            .map(|(place, axis)| axis.bounds[usize::from(plain.is_some() || !kept.contains(&place))].clone())
            .collect();
        let rows = self.within(&filters)?;
        let within = (self.question.as_of, MAX_GROUPS + 1);
        if self.reader.has_more_groups(object, &rows, &groups, (self.question.as_of, MAX_GROUPS))? {
            return Err(too_many());
        }
        let mut reads = Reads::of(self.question);
        let mut found: BTreeMap<Vec<Key>, Found> = BTreeMap::new();
        for mut cells in self.reader.aggregate(object, &rows, &groups, &reads.plain, within)? {
            let own = cells.split_off(groups.len());
            let key = cells.iter().map(Key::of).collect();
            found.insert(key, (cells, reads.figures(&own)?));
        }
        if found.len() > MAX_GROUPS {
            return Err(too_many());
        }
        for (currency, places, measures) in std::mem::take(&mut reads.money) {
            let mut groups = groups.clone();
            groups.push(Group::by(&currency));
            for cells in self.reader.aggregate(object, &rows, &groups, &measures, (within.0, usize::MAX))? {
                let (key, own) = cells.split_at(groups.len() - 1);
                let Some(code) = own[0].as_text().and_then(|code| code.parse::<Currency>().ok()) else { continue };
                let Some((_, figures)) = found.get_mut(&key.iter().map(Key::of).collect::<Vec<_>>()) else { continue };
                let mut own = &own[1..];
                for place in &places {
                    let (amount, rest) = amount_of(self.question, *place, own);
                    own = rest;
                    if let (Figure::Money(amounts), Some(amount)) = (&mut figures[*place], amount) {
                        amounts.insert(code, amount);
                    }
                }
            }
        }
        for (place, measure) in self.question.measures.iter().enumerate() {
            let How::Read { function: function @ (Function::Median | Function::P90), field: Some(field), of } = &measure.how
            else {
                continue;
            };
            let percent = if *function == Function::Median { 50 } else { 90 };
            let mut groups = groups.clone();
            let currency = field.currency().filter(|_| field.kind == FieldType::Money);
            groups.extend(currency.as_ref().map(Group::by));
            let asked = (field, of.as_ref(), percent);
            for cells in self.reader.percentile(object, &rows, &groups, asked, (within.0, usize::MAX))? {
                let (key, own) = cells.split_at(groups.len());
                let (key, code) = key.split_at(groups.len() - usize::from(currency.is_some()));
                let Some((_, figures)) = found.get_mut(&key.iter().map(Key::of).collect::<Vec<_>>()) else { continue };
                let code = code.first().and_then(Cell::as_text).and_then(|code| code.parse::<Currency>().ok());
                match (&mut figures[place], code) {
                    (Figure::Money(amounts), Some(code)) => {
                        amounts.extend(amount_between(own, percent).map(|amount| (code, amount)));
                    }
                    (figure, _) => {
                        *figure = between(own, percent).map_or(Figure::None, |value| Figure::Decimal(to_six_places(value, 1)))
                    }
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// Rows by the places of their values, filled up and worked out.
    fn rows(&self, kept: &[usize], found: Vec<Found>) -> Result<Vec<Row>, Problem> {
        let mut rows = Vec::new();
        for (cells, figures) in found {
            let mut key = vec![None; self.axes.len()];
            for (place, cell) in kept.iter().zip(&cells) {
                key[*place] = self.axes[*place].place(cell)?;
            }
            rows.push(Row { key, figures });
        }
        for place in kept {
            self.fill(*place, &mut rows)?;
        }
        rows.sort_by(|left, right| left.key.cmp(&right.key));
        self.work_out(&mut rows)?;
        Ok(rows)
    }

    /// Adds rows of nothing, so that each combination of the other dimensions' values has all buckets.
    fn fill(&self, place: usize, rows: &mut Vec<Row>) -> Result<(), Problem> {
        let axis = &self.axes[place];
        if !axis.fill {
            return Ok(());
        }
        let buckets = axis.members.iter().filter(|member| matches!(member.kind, MemberKind::Bucket(_))).count();
        let mut others: Vec<Vec<Option<usize>>> = rows
            .iter()
            .map(|row| {
                let mut others = row.key.clone();
                others[place] = None;
                others
            })
            .collect();
        others.sort_unstable();
        others.dedup();
        if others.is_empty() && self.axes.len() == 1 {
            others.push(vec![None]);
        }
        if others.len().saturating_mul(buckets) > MAX_GROUPS {
            return Err(too_many());
        }
        let known: std::collections::HashSet<Vec<Option<usize>>> = rows.iter().map(|row| row.key.clone()).collect();
        let nothing = Reads::of(self.question).nothing();
        for others in others {
            for bucket in 0..buckets {
                let mut key = others.clone();
                key[place] = Some(bucket);
                if !known.contains(&key) {
                    rows.push(Row { key, figures: nothing.clone() });
                }
            }
        }
        Ok(())
    }

    fn work_out(&self, rows: &mut [Row]) -> Result<(), Problem> {
        let courses: Vec<Course> = self.axes.iter().map(|axis| axis.course.clone()).collect();
        let nothing = Reads::of(self.question).nothing();
        for (place, measure) in self.question.measures.iter().enumerate() {
            if let How::Derived(derived) = &measure.how {
                let of = match derived {
                    farley_domain::reporting::table::Derived::Compared { of, .. } => *of,
                    _ => place,
                };
                derive(rows, place, derived, &nothing[of], &courses).map_err(mixed)?;
            }
        }
        Ok(())
    }
}

impl Axis {
    /// The place of the value that was read.
    fn place(&self, cell: &Cell) -> Result<Option<usize>, Problem> {
        Ok(match (cell, &self.group.cut) {
            (Cell::Null, _) => self.missing,
            (cell, Some(_)) => cell.as_integer().and_then(|number| usize::try_from(number).ok()),
            (cell, None) => self.places.get(&cell.to_value()?.to_string()).copied(),
        })
    }
}

/// What is read of each group, and how figures are made of it.
struct Reads<'q> {
    question: &'q Question,
    /// Of the groups themselves: their number of records first.
    plain: Vec<farley_persistence::Measure>,
    /// Of the groups cut by currency: the field of the currency, the measures by their places, and what is read for them.
    money: Vec<(Field, Vec<usize>, Vec<farley_persistence::Measure>)>,
}

/// What is read for a measure; nothing of those that are read apart.
fn parts(how: &How) -> Vec<farley_persistence::Measure> {
    use farley_persistence::Measure as Read;
    let How::Read { function, field, of } = how else { return Vec::new() };
    let sum = |field: &Field| match field.kind {
        FieldType::Decimal => Read::SumOfDecimals(field.clone()),
        _ => Read::Sum(field.clone()),
    };
    let plain = match (function, field) {
        (Function::Count, None) => vec![Read::Count],
        (Function::Count, Some(field)) => vec![Read::Given(field.clone())],
        (Function::Distinct, Some(field)) => vec![Read::Distinct(field.clone())],
        // Of which currencies there is any record that a narrower filter leaves.
        (Function::Sum, Some(field)) if of.is_some() && field.kind == FieldType::Money => {
            vec![sum(field), Read::Given(field.clone())]
        }
        (Function::Sum, Some(field)) => vec![sum(field)],
        (Function::Avg, Some(field)) => vec![sum(field), Read::Given(field.clone())],
        (Function::Min, Some(field)) => vec![Read::Least(field.clone())],
        (Function::Max, Some(field)) => vec![Read::Greatest(field.clone())],
        (Function::Median | Function::P90, _) | (_, None) => Vec::new(),
    };
    match of {
        None => plain,
        Some(of) => plain.into_iter().map(|measure| Read::Of(Box::new(measure), of.clone())).collect(),
    }
}

impl<'q> Reads<'q> {
    fn of(question: &'q Question) -> Reads<'q> {
        let mut reads = Reads { question, plain: vec![farley_persistence::Measure::Count], money: Vec::new() };
        for (place, measure) in question.measures.iter().enumerate() {
            let read = parts(&measure.how);
            let currency = measure.field().and_then(Field::currency).filter(|_| measure.is_money());
            let Some(currency) = currency else {
                reads.plain.extend(read);
                continue;
            };
            if read.is_empty() {
                continue;
            }
            match reads.money.iter_mut().find(|(known, ..)| *known == currency) {
                Some((_, places, measures)) => {
                    places.push(place);
                    measures.extend(read);
                }
                None => reads.money.push((currency, vec![place], read)),
            }
        }
        reads
    }

    /// The figures of a group, from what was read for those that are not money.
    fn figures(&self, own: &[Cell]) -> Result<Vec<Figure>, Problem> {
        let mut own = &own[1..];
        let mut figures = self.nothing();
        for (place, measure) in self.question.measures.iter().enumerate() {
            if measure.is_money() {
                continue;
            }
            let (cells, rest) = own.split_at(parts(&measure.how).len());
            own = rest;
            if let (How::Read { function, field, .. }, false) = (&measure.how, cells.is_empty()) {
                figures[place] = figure(*function, field.as_ref(), cells)?;
            }
        }
        Ok(figures)
    }

    /// The figures of a group of nothing.
    fn nothing(&self) -> Vec<Figure> {
        let nothing = |measure: &super::asked::Measure| match &measure.how {
            _ if measure.is_money() => Figure::Money(BTreeMap::new()),
            How::Read { function: Function::Count | Function::Distinct, .. } => Figure::Integer(0),
            How::Read { function: Function::Sum, field: Some(field), .. } if field.kind == FieldType::Decimal => {
                Figure::Decimal(0.0)
            }
            How::Read { function: Function::Sum, .. } => Figure::Integer(0),
            How::Read { .. } | How::Derived(_) => Figure::None,
        };
        self.question.measures.iter().map(nothing).collect()
    }
}

/// The figure of a function, from what was read for it.
fn figure(function: Function, field: Option<&Field>, cells: &[Cell]) -> Result<Figure, Problem> {
    let count = cells.get(1).and_then(Cell::as_integer).unwrap_or(0);
    #[allow(clippy::cast_precision_loss, reason = "a mean counts with 15 digits of the sum")]
    Ok(match (function, &cells[0]) {
        (Function::Avg, _) if count == 0 => Figure::None,
        (Function::Avg, Cell::Integer(sum)) => Figure::Decimal(to_six_places(*sum as f64, count)),
        (Function::Avg, Cell::Double(sum)) => Figure::Decimal(to_six_places(*sum, count)),
        (Function::Sum, Cell::Double(sum)) => Figure::Decimal(to_six_places(*sum, 1)),
        (Function::Sum, Cell::Null) if field.is_some_and(|field| field.kind == FieldType::Decimal) => Figure::Decimal(0.0),
        (_, Cell::Integer(number)) => Figure::Integer((*number).into()),
        (_, Cell::Double(number)) => Figure::Decimal(*number),
        (_, Cell::Null) => Figure::None,
        (_, cell) => match cell.to_value()? {
            Value::String(text) => Figure::Text(text),
            other => Figure::Text(other.to_string()),
        },
    })
}

/// The amount of one currency of a measure, from the cells that are its own; and the cells that follow.
fn amount_of<'c>(question: &Question, place: usize, cells: &'c [Cell]) -> (Option<i128>, &'c [Cell]) {
    let measure = &question.measures[place];
    let (own, rest) = cells.split_at(parts(&measure.how).len());
    let How::Read { function, .. } = &measure.how else { return (None, rest) };
    let amount = match (function, own) {
        (Function::Avg, [Cell::Integer(sum), Cell::Integer(count)]) if *count > 0 => Some(mean(*sum, *count).into()),
        (Function::Avg, _) => None,
        (Function::Sum, [_, Cell::Integer(0)]) => None,
        (_, [Cell::Integer(amount), ..]) => Some((*amount).into()),
        _ => None,
    };
    (amount, rest)
}

/// A percentile between the two values it lies between.
#[allow(clippy::cast_precision_loss, reason = "interpolated in doubles, as PostgreSQL does")]
fn between(cells: &[Cell], percent: i64) -> Option<f64> {
    let number = |cell: &Cell| match cell {
        Cell::Integer(number) => Some(*number as f64),
        Cell::Double(number) => Some(*number),
        _ => None,
    };
    let (low, count) = (number(cells.first()?)?, cells.get(2)?.as_integer()?);
    let high = cells.get(1).and_then(number).unwrap_or(low);
    let part = ((count - 1) * percent % 100) as f64 / 100.0;
    Some(low + (high - low) * part)
}

/// The same of amounts, rounded to a minor unit, half away from zero.
fn amount_between(cells: &[Cell], percent: i64) -> Option<i128> {
    let (low, count) = (i128::from(cells.first()?.as_integer()?), cells.get(2)?.as_integer()?);
    let high = cells.get(1).and_then(Cell::as_integer).map_or(low, i128::from);
    half_away(low * 100 + (high - low) * i128::from((count - 1) * percent % 100), 100)
}

fn ranges(dimension: &Dimension, bounds: &[f64], mut axis: Axis) -> Axis {
    let is_decimal = dimension.group.field.kind == FieldType::Decimal;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "whole numbers are not below a bound exactly if they are not below the next whole one"
    )]
    let bound = |number: f64| if is_decimal { Bound::Decimal(number) } else { Bound::Integer(number.ceil() as i64) };
    let value = |number: f64| match bound(number) {
        Bound::Integer(number) => json!(number),
        _ => json!(number),
    };
    axis.group.cut = Some(Cut::at(bounds.iter().copied().map(bound).collect()));
    for place in 0..=bounds.len() {
        let (from, to) = (place.checked_sub(1).map(|place| bounds[place]), bounds.get(place).copied());
        let test = |op: Op, number: f64| json!({"field": dimension.path, "op": op.as_str(), "value": value(number)});
        let tests: Vec<Value> = from.map(|from| test(Op::Gte, from)).into_iter().chain(to.map(|to| test(Op::Lt, to))).collect();
        axis.members.push(Member {
            key: json!(format!("range:{place}")),
            filter: Some(json!({"and": tests})),
            kind: MemberKind::Range(from, to),
        });
    }
    axis
}

fn condition(path: &str, value: &Value) -> Value {
    json!({"field": path, "op": "eq", "value": value})
}

fn operand(cell: &Cell) -> Operand {
    match cell {
        Cell::Boolean(value) => Operand::Boolean(*value),
        Cell::Integer(value) => Operand::Integer(*value),
        Cell::Double(value) => Operand::Decimal(*value),
        Cell::Id(value) => Operand::Id(*value),
        Cell::Time(value) => Operand::Time(*value),
        Cell::Date(value) => Operand::Date(*value),
        Cell::Text(value) | Cell::Json(value) => Operand::Text(value.clone()),
        Cell::Null => Operand::Text(String::new()),
    }
}

/// Choices in the order of their declaration, all else by value.
fn in_order<'c>(field: &Field, mut cells: Vec<&'c Cell>) -> Vec<&'c Cell> {
    if let FieldType::Choice(choices) = &field.kind {
        let place = |cell: &Cell| choices.iter().position(|choice| Some(choice.value.as_ref()) == cell.as_text());
        cells.sort_by_key(|cell| place(cell).unwrap_or(usize::MAX));
    }
    cells
}

fn day(cell: &Cell, zone: chrono_tz::Tz) -> Option<NaiveDate> {
    match cell {
        Cell::Time(time) => Some(day_of(*time, zone)),
        Cell::Date(date) => Some(*date),
        Cell::Text(text) => parse_date(text).or_else(|| Some(day_of(Timestamp::parse(text)?, zone))),
        _ => None,
    }
}

fn too_many() -> Problem {
    Fault::new(QuestionBody::dimensions.pointer(), FaultCode::TooMany).with("max", MAX_GROUPS).into()
}
