//! Which record a file belongs to: whoever changes that, or the file, must be permitted to change the record.

use farley_domain::{
    identity::access::Action,
    integration::file::{File, FiledObject, MOST_OF_RECORD, record_of},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
        registry,
    },
    query::predicate::Predicate,
    values::id::Id,
};
use farley_persistence::{Change, Loaded, Work};

use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::{Code, Problem},
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
        named::Named,
        write::Writer,
    },
};

/// How many files of a record are moved at once; more than a record may have, as archived ones go along.
const MOST_MOVED: usize = 10_000;

impl Behaviour for File {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let (was, is) = (writing.before.and_then(record_of), record_of(record));
        if let Some((object, id)) = was.filter(|was| Some(*was) != is) {
            demand(work, writing, object, id)?;
        }
        let Some((object, id)) = is else { return Ok(()) };
        let enters = was != is;
        demand(work, writing, object, id).map_err(|problem| match problem.code {
            Code::NotFound if enters => Problem::rule(Fault::new(File::record_id.pointer(), FaultCode::NotFound).into()),
            _ => problem,
        })?;
        let returns = writing.before.is_some_and(Record::is_archived) && !record.is_archived();
        if (enters || returns) && live_files(work, object, id)? >= MOST_OF_RECORD {
            let fault = Fault::new(File::record_id.pointer(), FaultCode::TooMany).with("max", MOST_OF_RECORD);
            return Err(Problem::rule(fault.into()));
        }
        Ok(())
    }
}

/// Demands that the caller may change the record that a file belongs to, which must be live. It stays as it is meanwhile.
fn demand(work: &mut Work<'_>, writing: &Writing<'_, File>, object: FiledObject, id: Id) -> Result<(), Problem> {
    let object = registry::object(object.as_str()).ok_or_else(Problem::not_found)?;
    let loaded = writing.writer(object).load(work, &Named::Id(id), Action::Update)?;
    if loaded.record.is_archived() { Err(Problem::archived()) } else { Ok(()) }
}

fn live_files(work: &mut Work<'_>, object: FiledObject, id: Id) -> Result<usize, Problem> {
    let live = Predicate::Archived(false).and(files_of(object, id));
    Ok(lookup::find::<File>(work, &live, MOST_OF_RECORD)?.len())
}

fn files_of(object: FiledObject, id: Id) -> Predicate {
    File::object.eq(object).and(File::record_id.eq(id))
}

/// Takes the files that a new record names along to it, which the caller must have uploaded or be permitted to change: those of
/// nothing yet, and those of the record it is a part of. `pointer` is the member that names them.
pub fn take_along(
    work: &mut Work<'_>,
    writer: &Writer,
    files: &[Id],
    (object, id): (FiledObject, Id),
    (whole, pointer): (Option<(FiledObject, Id)>, &str),
) -> Result<(), Problem> {
    let writer = writer.on(<File as Entity>::object());
    let mut faults = Faults::default();
    for (place, file) in files.iter().enumerate() {
        let fault = |code| Fault::new(format!("{pointer}/{place}"), code);
        let loaded = match loaded_for(work, &writer, *file) {
            Ok(loaded) if !loaded.record.is_archived() => loaded,
            Ok(_) => {
                faults.add(fault(FaultCode::NotFound));
                continue;
            }
            Err(problem) if problem.code == Code::NotFound => {
                faults.add(fault(FaultCode::NotFound));
                continue;
            }
            Err(problem) => return Err(problem),
        };
        let mut record = loaded.record.of::<File>().clone();
        let owner = record_of(&record);
        if owner.is_some() && owner != whole {
            faults.add(fault(FaultCode::FileAttached));
            continue;
        }
        record.set(File::object, object);
        record.set(File::record_id, id);
        writer.store(work, &loaded, record.into_any(), "moved")?;
    }
    faults.into_result(()).map_err(Problem::rule)
}

/// A file that is to be taken along. What belongs to nothing yet is its uploader's alone, and Farley itself has seen to whose it is.
fn loaded_for(work: &mut Work<'_>, writer: &Writer, file: Id) -> Result<Loaded, Problem> {
    if writer.principal.is_system() {
        let schema = without_custom_fields(writer.object);
        return work.load(&schema, &Unrestricted, file, &Predicate::all())?.ok_or_else(Problem::not_found);
    }
    writer.load(work, &Named::Id(file), Action::Update)
}

/// Where a file belongs.
type Place = (FiledObject, Id);

/// Moves all files of a record to another, archived ones too, whoever asks: for records that become others or are merged. The ids of
/// those that were moved, so that [`move_some`] can move them back.
pub fn move_all(work: &mut Work<'_>, from: Place, to: Place) -> Result<Vec<Id>, Problem> {
    let files = lookup::find::<File>(work, &files_of(from.0, from.1), MOST_MOVED)?;
    let ids: Vec<Id> = files.iter().map(Record::id).collect();
    move_some(work, &ids, from, to)?;
    Ok(ids)
}

/// Moves those of some files that still belong to a record to another, whoever asks; how many these are.
pub fn move_some(work: &mut Work<'_>, files: &[Id], from: Place, (object, id): Place) -> Result<usize, Problem> {
    let schema = without_custom_fields(<File as Entity>::object());
    let mut moved = 0;
    for file in files {
        let Some(loaded) = work.load(&schema, &Unrestricted, *file, &files_of(from.0, from.1))? else { continue };
        let mut record = loaded.record.clone();
        let file = record.of_mut::<File>();
        file.set(File::object, object);
        file.set(File::record_id, id);
        work.update(&schema, &loaded, &mut record, &Change::new("moved"))?;
        moved += 1;
    }
    Ok(moved)
}
