//! How inputs are made, tried and kept. It knows nothing of what is promised of them.
//!
//! An input is always bytes, so that a corpus is a folder of files (`fuzz/corpus/PROPERTY`, one input
//! each) and a failure becomes a permanent test by copying one file. The corpus is tried first, then
//! inputs of two origins: made by the property's own strategy, and the corpus with edits.
//!
//! `PROPTEST_CASES` sets how many are made for each property (default 256), `PROPTEST_RNG_SEED`
//! repeats a run: `PROPTEST_CASES=50000 cargo test --no-default-features --test it fuzz`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestError, TestRunner};

/// Tries `property` on the corpus `name` and on made inputs; one in `every` of the usual number, for
/// properties that take their time. The property panics when its promise is broken.
pub fn fuzz(
    name: &str,
    every: u32,
    words: &'static [&'static str],
    inputs: impl Strategy<Value = Vec<u8>>,
    property: impl Fn(&[u8]),
) {
    let corpus = corpus(name);
    for (path, input) in &corpus {
        let tried = catch_unwind(AssertUnwindSafe(|| property(input)));
        assert!(tried.is_ok(), "{} breaks the promise", path.display());
    }
    // The corpus is where failures are kept: proptest's own files would only hold random seeds.
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let cases = config.cases.div_ceil(every);
    let seeds: Vec<_> = corpus.into_iter().map(|(_, input)| input).collect();
    println!("fuzz {name}: {} seeds, {cases} cases", seeds.len());
    let inputs = prop_oneof![edited(seeds, words), inputs];
    let result = TestRunner::new(Config { cases, ..config }).run(&inputs, |input| {
        property(&input);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, input)) => {
            let file = std::env::temp_dir().join(format!("fuzz-{name}"));
            std::fs::write(&file, &input).expect("a writable folder");
            panic!(
                "{reason}\nsmallest input: b\"{}\"\nwritten to {}: copy it into the corpus",
                input.escape_ascii(),
                file.display()
            );
        }
        Err(error @ TestError::Abort(_)) => panic!("{error}"),
    }
}

/// The same for properties of text.
pub fn fuzz_text(
    name: &str,
    words: &'static [&'static str],
    inputs: impl Strategy<Value = String>,
    property: impl Fn(&str),
) {
    let inputs = inputs.prop_map(String::into_bytes);
    fuzz(name, 1, words, inputs, |input| {
        property(&String::from_utf8_lossy(input));
    });
}

/// The files in order of their names, so that the first failure is the same everywhere.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fuzz/corpus");
    let folder = corpora.join(name);
    let files = std::fs::read_dir(&folder).expect("a folder per property");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths
        .into_iter()
        .map(|path| {
            let input = std::fs::read(&path).expect("a readable file");
            (path, input)
        })
        .collect()
}

/// A change at some place of an input.
#[derive(Clone, Debug)]
enum Edit {
    Insert(Vec<u8>),
    /// So many bytes from there on.
    Remove(usize),
    Repeat(usize),
    Set(u8),
}

/// A seed with up to four edits; `words` are what the grammar at hand is made of.
fn edited(seeds: Vec<Vec<u8>>, words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let edit = prop_oneof![
        4 => select(words).prop_map(|word| Edit::Insert(word.into())),
        1 => any::<char>().prop_map(|c| Edit::Insert(c.to_string().into_bytes())),
        2 => (1_usize..40).prop_map(Edit::Remove),
        1 => (1_usize..40).prop_map(Edit::Repeat),
        1 => any::<u8>().prop_map(Edit::Set),
    ];
    let edits = vec((any::<Index>(), edit), 0..=4);
    (select(seeds), edits).prop_map(|(mut input, edits)| {
        for (place, edit) in edits {
            let at = place.index(input.len() + 1);
            let until = |length| input.len().min(at + length);
            let (replaced, with) = match edit {
                Edit::Insert(bytes) => (at..at, bytes),
                Edit::Remove(length) => (at..until(length), Vec::new()),
                Edit::Repeat(length) => (at..at, input[at..until(length)].to_vec()),
                Edit::Set(byte) => (at..until(1), Vec::from([byte])),
            };
            input.splice(replaced, with);
        }
        input
    })
}

/// Text of any characters, and text of the words of a grammar.
pub fn text_of(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        3 => select(words).prop_map(str::to_owned),
        1 => any::<char>().prop_map(|c| c.to_string()),
    ];
    vec(word, 0..12).prop_map(|words| words.concat())
}
