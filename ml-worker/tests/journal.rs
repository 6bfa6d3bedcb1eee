//! What a worker must not forget survives its sudden end.

use ml_worker::roles::{Journal, JournalError};
use std::fs;
use tempfile::TempDir;

#[test]
fn what_was_written_is_read_by_the_next_process() {
	let folder = TempDir::new().unwrap();
	let journal = Journal::open(folder.path().join("task-1")).unwrap();
	assert_eq!(journal.read::<Vec<u32>>("round-0-1").unwrap(), None);
	journal.write("round-0-1", &vec![1u32, 2]).unwrap();
	journal.write("round-0-1", &vec![1u32, 2, 3]).unwrap();
	let again = Journal::open(folder.path().join("task-1")).unwrap();
	assert_eq!(
		again.read::<Vec<u32>>("round-0-1").unwrap(),
		Some(vec![1, 2, 3])
	);
}

#[test]
fn a_write_that_was_broken_off_leaves_the_old_content() {
	let folder = TempDir::new().unwrap();
	let journal = Journal::open(folder.path().to_owned()).unwrap();
	journal.write("audit-5", &7u32).unwrap();
	fs::write(folder.path().join("audit-5.json.new"), "8 and half of").unwrap();
	fs::write(folder.path().join("audit-5.new"), "").unwrap();
	assert_eq!(journal.read::<u32>("audit-5").unwrap(), Some(7));
	journal.write("audit-5", &9u32).unwrap();
	assert_eq!(journal.read::<u32>("audit-5").unwrap(), Some(9));
}

#[test]
fn a_damaged_file_is_named() {
	let folder = TempDir::new().unwrap();
	let journal = Journal::open(folder.path().to_owned()).unwrap();
	fs::write(folder.path().join("evaluation.json"), "{").unwrap();
	let error = journal.read::<u32>("evaluation").unwrap_err();
	assert!(matches!(error, JournalError::Damaged { .. }));
	assert!(error.to_string().contains("evaluation.json"), "{error}");
}

#[test]
fn a_removed_journal_is_gone() {
	let folder = TempDir::new().unwrap();
	let path = folder.path().join("task-2");
	let journal = Journal::open(path.clone()).unwrap();
	journal.write("task", &1u32).unwrap();
	journal.remove().unwrap();
	assert!(!path.exists());
}
