//! Reads the figures of a question: which groups there are along each dimension, and what is computed of the records of each. Every table,
//! those of totals too, is read and worked out anew, so that no ratio, mean or number of different values is ever added up.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;
use farley_domain::{
    model::{
        fault::{Fault, FaultCode},
        field::{FieldType, Op},
    },
    query::{
        past::AsOf,
        predicate::{Predicate, View, parse},
    },
    reporting::{
        bucket::Bucket,
        question::Function,
        table::{Course, Derived, Figure, Row, derive},
    },
    values::{calendar::start_of_day, money::Currency, time::Timestamp},
};
use farley_persistence::{Bound, Cell, Cut, Group, Numbers, Reader};
use serde_json::{Value, json};

use super::{
    ReportQuestion,
    asked::in_zone,
    axis::{Axis, Member, MemberKind, condition, in_order, operand},
    converting::{Converting, Sums},
    mixed,
    question::{Cutting, Dimension, How, Lead, Question},
    reads::{Reads, nothing, set_percentile},
};
use crate::{
    access::principal::Principal,
    http::problem::Problem,
    records::summary::{Key, day_in},
};

/// How many groups a table is made of at most.
const MAX_GROUPS: usize = 50_000;
/// How many stretches of time a dimension has at most: ten years of days.
const MAX_STRETCHES: usize = 3_700;
/// How many stretches a cyclic bucket is listed by: a filter takes no more tests.
const MAX_LISTED: usize = 80;

/// A group as it is read: its values, and its figures.
type Found = (Vec<Cell>, Vec<Figure>);

/// Reads the tables of one question.
pub struct Tables<'q, 'r> {
    question: &'q Question,
    reader: &'q mut Reader<'r>,
    asker: &'q Principal,
    now: Timestamp,
    converting: Option<Converting>,
    pub axes: Vec<Axis>,
}

impl<'q, 'r> Tables<'q, 'r> {
    /// Finds the values of the dimensions, as far as they are known before rows are read.
    pub fn open(
        question: &'q Question,
        reader: &'q mut Reader<'r>,
        asker: &'q Principal,
        now: Timestamp,
    ) -> Result<Tables<'q, 'r>, Problem> {
        let mut tables = Tables { question, reader, asker, now, converting: None, axes: Vec::new() };
        if let Some(conversion) = &question.conversion {
            let base = asker.standards(now).currency;
            tables.converting = Some(Converting::open(conversion, question, tables.reader, &question.rows, (base, now))?);
        }
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
        match &dimension.cut {
            Cutting::Each => Ok(Axis::of_values(dimension)),
            Cutting::Ranges(bounds) => Ok(Axis::of_ranges(dimension, bounds)),
            Cutting::Buckets { bucket, from, to, fill } => self.buckets(dimension, (*bucket, *from, *to, *fill)),
        }
    }

    fn buckets(
        &mut self,
        dimension: &Dimension,
        (bucket, from, to, fill): (Bucket, Option<NaiveDate>, Option<NaiveDate>, bool),
    ) -> Result<Axis, Problem> {
        let mut axis = Axis::of_values(dimension);
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
                let found = found.and_then(|(least, greatest)| Some((day_in(&least, zone)?, day_in(&greatest, zone)?)));
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
                .ok_or_else(|| Fault::new(ReportQuestion::dimensions.pointer(), FaultCode::TooMany).with("max", MAX_STRETCHES))?,
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
            starts: stretches.iter().map(|stretch| stretch.start).collect(),
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
        let reads = Reads::of(self.question);
        let mut found: BTreeMap<Vec<Key>, Found> = BTreeMap::new();
        for mut cells in self.reader.aggregate(object, &rows, &groups, &reads.plain, within)? {
            let own = cells.split_off(groups.len());
            found.insert(key_of(&cells), (cells, reads.figures(&own)?));
        }
        if found.len() > MAX_GROUPS {
            return Err(too_many());
        }
        for amounts in &reads.money {
            let mut own_groups = groups.clone();
            own_groups.push(Group::by(&amounts.currency));
            let converting = self.converting.as_ref();
            own_groups.extend(converting.and_then(Converting::group).cloned());
            let mut sums = converting.map(Sums::of);
            for cells in self.reader.aggregate(object, &rows, &own_groups, &amounts.read, (within.0, usize::MAX))? {
                let (key, own) = cells.split_at(groups.len());
                let (told, own) = own.split_at(own_groups.len() - groups.len());
                let Some(code) = currency_of(&told[0]) else { continue };
                let key = key_of(key);
                match (&mut sums, found.get_mut(&key)) {
                    (Some(sums), Some(_)) => reads.add_converted(sums, amounts, (&key, code, told.get(1)), own)?,
                    (None, Some((_, figures))) => reads.add_amounts(figures, amounts, code, own),
                    (_, None) => {}
                }
            }
            if let Some(sums) = sums {
                for (key, place, figure) in sums.figures(|place| reads.function(place))? {
                    if let Some((_, figures)) = found.get_mut(&key) {
                        figures[place] = figure;
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
            let currency = field.currency().filter(|_| measure.is_money());
            let mut groups = groups.clone();
            groups.extend(currency.as_ref().map(Group::by));
            let asked = (field, of.as_ref(), percent);
            for cells in self.reader.percentile(object, &rows, &groups, asked, (within.0, usize::MAX))? {
                let (key, own) = cells.split_at(groups.len());
                let (key, code) = key.split_at(groups.len() - usize::from(currency.is_some()));
                if let Some((_, figures)) = found.get_mut(&key_of(key)) {
                    set_percentile(&mut figures[place], code.first().and_then(currency_of), own, percent);
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
        let known: HashSet<Vec<Option<usize>>> = rows.iter().map(|row| row.key.clone()).collect();
        let nothing = nothing(self.question);
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
        let nothing = nothing(self.question);
        for (place, measure) in self.question.measures.iter().enumerate() {
            if let How::Derived(derived) = &measure.how {
                let of = match derived {
                    Derived::Compared { of, .. } => *of,
                    _ => place,
                };
                derive(rows, place, derived, &nothing[of], &courses).map_err(mixed)?;
            }
        }
        Ok(())
    }
}

fn key_of(cells: &[Cell]) -> Vec<Key> {
    cells.iter().map(Key::of).collect()
}

fn currency_of(cell: &Cell) -> Option<Currency> {
    cell.as_text()?.parse().ok()
}

pub fn too_many() -> Problem {
    Fault::new(ReportQuestion::dimensions.pointer(), FaultCode::TooMany).with("max", MAX_GROUPS).into()
}
