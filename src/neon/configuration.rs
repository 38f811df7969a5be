//! Owns the configuration as a document: what a document says, how it differs from what Neon has, the steps
//! that make it so, and how it is exported. It knows no SQL and no socket: requests go out on a [`Way`].

mod current;
mod difference;
mod document;
mod export;
mod json;
mod origin;
pub mod schema;
pub mod section;
mod step;
mod value;

use std::collections::{BTreeSet, VecDeque};
use std::slice;
use std::time::Duration;

use serde_json::Value as Json;

use self::current::{Current, Knowledge};
pub use self::difference::Options;
use self::difference::{Plan, difference};
pub use self::document::Document;
use self::section::Section;
use self::step::Faster;
pub use self::step::{ConfigurationChange, Step};
use crate::error::{Error, ErrorKind};
use crate::neon::endpoint::{Endpoint, Look, Path, Resource};
use crate::neon::request::{Method, Request};
use crate::neon::retry::TIME_FOR_WORK;
use crate::neon::target::Target;

const CONFIGURATION: Resource = Resource {
    noun: "configuration",
    look: Look::Function("plan"),
};

/// What a session is opened for; the requests are those of the sections.
pub const EXPORT: Endpoint = Endpoint {
    function: "export_configuration",
    method: Method::Get,
    path: Path::Both(""),
    purpose: "export configuration",
    resource: &CONFIGURATION,
};

pub const PLAN: Endpoint = Endpoint {
    function: "plan",
    purpose: "plan configuration",
    ..EXPORT
};

pub const APPLY: Endpoint = Endpoint {
    function: "apply",
    method: Method::Patch,
    purpose: "apply configuration",
    ..EXPORT
};

/// How requests reach Neon, and what is heard of them.
pub trait Way {
    fn target(&self) -> &Target;

    /// Whether anything is sent. Otherwise nothing is read, and what would be made is said.
    fn sends(&self) -> bool;

    /// Sends a read.
    fn send<T>(&self, request: &Request<T>) -> Result<T, Error>;

    /// Sends what changes something; `progress` is what to say if somebody interrupts it.
    fn make(&self, request: &Request<()>, progress: &str) -> Result<(), Error>;

    /// The step was made; `note` says how, if otherwise than planned.
    fn made(&self, number: i32, step: &Step, note: Option<&str>);

    fn time_left(&self) -> Duration;
}

/// What Neon has.
pub struct Exported {
    /// All of it, without secrets; `None` where nothing is sent.
    pub document: Option<Json>,
    /// The names of what no document has.
    pub unknown: Vec<String>,
}

pub fn export<W: Way>(way: &W) -> Result<Exported, Error> {
    let sections = Section::ALL.into_iter().filter(|it| it.is_at(way.target()));
    let current = Current::read(way, &sections.collect())?;
    let document = match current.knowledge {
        Knowledge::Unseen => None,
        Knowledge::New | Knowledge::Read => Some(export::document(&current)),
    };
    Ok(Exported {
        document,
        unknown: current.unknown,
    })
}

/// What `apply` would do; nothing where nothing is sent.
pub fn plan<W: Way>(
    way: &W,
    document: &Document,
    options: &Options,
) -> Result<Vec<ConfigurationChange>, Error> {
    let current = read(way, document)?;
    if current.knowledge == Knowledge::Unseen {
        return Ok(Vec::new());
    }
    let plan = difference(way.target(), document, &current, options)?;
    let steps = plan.steps.iter().zip(1..);
    let mut rows: Vec<_> = steps
        .flat_map(|(step, number)| step.rows(number, None))
        .collect();
    rows.extend(plan.unmanaged);
    Ok(rows)
}

/// Makes Neon's configuration what `document` says, and returns what was changed. It ends at the first
/// failure, whose detail says what was made; another one goes on from there.
pub fn apply<W: Way>(
    way: &W,
    document: &Document,
    options: &Options,
) -> Result<Vec<ConfigurationChange>, Error> {
    let current = read(way, document)?;
    let mut plan = difference(way.target(), document, &current, options)?;
    let mut applying = Applying {
        way,
        document,
        made: Vec::new(),
        rows: Vec::new(),
    };
    if current.knowledge == Knowledge::New && !plan.steps.is_empty() {
        // What comes with an integration shows when it is there.
        let rest = plan.steps.split_off(1);
        let rest: Vec<_> = rest.iter().map(Step::summary).collect();
        applying.make_all(plan, rest.clone())?;
        let again = read(way, document)
            .and_then(|current| difference(way.target(), document, &current, options));
        plan = again.map_err(|error| error.step_failed(&applying.progress(rest)))?;
    }
    let unmanaged = std::mem::take(&mut plan.unmanaged);
    applying.make_all(plan, Vec::new())?;
    let mut rows = applying.rows;
    rows.extend(unmanaged);
    Ok(rows)
}

fn read<W: Way>(way: &W, document: &Document) -> Result<Current, Error> {
    let current = Current::read(way, &document.0.keys().copied().collect())?;
    match current.knowledge {
        Knowledge::New if !document.names(Section::Integration) => Err(Error::no_integration()),
        _ => Ok(current),
    }
}

struct Applying<'a, W> {
    way: &'a W,
    document: &'a Document,
    /// Clauses.
    made: Vec<String>,
    rows: Vec<ConfigurationChange>,
}

impl<W: Way> Applying<'_, W> {
    /// `later` comes after these steps, if all goes well.
    fn make_all(&mut self, plan: Plan, later: Vec<String>) -> Result<(), Error> {
        let mut steps = VecDeque::from(plan.steps);
        while let Some(step) = steps.pop_front() {
            let rest = steps.iter().map(Step::summary).chain(later.iter().cloned());
            let not_tried: Vec<_> = rest.collect();
            if self.way.time_left() < TIME_FOR_WORK {
                let unsent = [step.summary()].into_iter().chain(not_tried);
                return Err(Error::no_time_for_step(&self.progress(unsent)));
            }
            let progress = self.progress(not_tried);
            match self.way.make(&step.request, &progress) {
                Ok(()) => self.done(&step, None),
                Err(error) => match self.look_again(&step, &error) {
                    Ok(Some(others)) => {
                        self.done(&step, Some("somebody else was faster"));
                        others.into_iter().rev().for_each(|it| steps.push_front(it));
                    }
                    Ok(None) => return Err(error.step_failed(&progress)),
                    Err(error) => return Err(error.step_failed(&progress)),
                },
            }
        }
        Ok(())
    }

    fn done(&mut self, step: &Step, note: Option<&str>) {
        let number = i32::try_from(self.made.len() + 1).unwrap_or(i32::MAX);
        self.rows.extend(step.rows(number, note));
        self.made.push(step.summary());
        self.way.made(number, step, note);
    }

    /// What is left to do where somebody else was faster; `None` if nobody was, and the error says more.
    fn look_again(&self, step: &Step, error: &Error) -> Result<Option<Vec<Step>>, Error> {
        let (section, keys, wanted) = match (&step.faster, error.kind) {
            (Faster::Made(section, key), ErrorKind::AlreadyExists) => {
                let wanted = self.document.only(*section, key);
                (*section, slice::from_ref(key), Some(wanted))
            }
            (Faster::Deleted(section, keys), ErrorKind::NotFound) => (*section, &keys[..], None),
            _ => return Ok(None),
        };
        let current = Current::read(self.way, &BTreeSet::from([section]))?;
        let is_so = |key: &String| current.has(section, key) == wanted.is_some();
        if !keys.iter().all(is_so) {
            return Ok(None);
        }
        // An entry that somebody else has made is perhaps another one.
        let wanted = wanted.unwrap_or_default();
        let options = Options::default();
        let plan = difference(self.way.target(), &wanted, &current, &options)?;
        Ok(Some(plan.steps))
    }

    /// Sentences.
    fn progress(&self, not_tried: impl IntoIterator<Item = String>) -> String {
        let not_tried: Vec<_> = not_tried.into_iter().collect();
        let list = |steps: &[String]| {
            const SHOWN: usize = 10;
            let shown = steps.iter().take(SHOWN).cloned().collect::<Vec<_>>();
            match steps.len() {
                0 => "nothing".to_owned(),
                1..=SHOWN => shown.join(", "),
                more => format!("{} and {} more", shown.join(", "), more - SHOWN),
            }
        };
        format!(
            "Made before it: {}. Not tried: {}.",
            list(&self.made),
            list(&not_tried)
        )
    }
}

/// Of the names of sections in `prune`.
///
/// Errors: `InvalidValue` for one that is not in the document, or has nothing to delete.
pub fn prune<'a>(
    names: impl Iterator<Item = &'a str>,
    document: &Document,
) -> Result<BTreeSet<Section>, Error> {
    let lists = Section::ALL.into_iter().filter(|it| it.is_list());
    let lists: Vec<_> = lists.map(|it| it.shape().name).collect();
    let mut sections = BTreeSet::new();
    for (name, n) in names.zip(1..) {
        let section = Section::named(name).filter(|it| it.is_list());
        let section = section
            .ok_or_else(|| Error::invalid_prune(n, &format!("one of {}", lists.join(", "))))?;
        if !document.names(section) {
            return Err(Error::invalid_prune(n, "a section that the document has"));
        }
        sections.insert(section);
    }
    Ok(sections)
}
