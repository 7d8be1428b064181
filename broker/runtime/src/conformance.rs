//! The suite that every Runtime passes: the traits' contract in executable form.
//!
//! A runtime's own test hands it a fresh runtime with an empty data directory and runs [`all`], or one check
//! after the other by name ([`CHECKS`], [`one`]) so that it can tell which one failed. A check panics with what
//! it saw. Checks don't disturb each other: each works in a directory of its own and on ports that it was given
//! by asking for port 0 at 127.0.0.1, which every runtime understands as "this process".
//!
//! Waiting is bounded: whatever must happen is given [`PATIENCE`] of the runtime's own time.

mod bytes;
mod clock;
mod files;
mod names;
mod net;
mod syncs;
mod tasks;

use crate::{Disk, DiskError, DiskErrorKind, File, OpenMode, Runtime};
use ::bytes::Bytes;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

/// How long something that must happen may take before the suite calls it hung.
pub const PATIENCE: Duration = Duration::from_secs(30);

macro_rules! checks {
    ($($module:ident: $($check:ident)+;)+) => {
        /// The name of every check, `module::check`, in the order that [`all`] runs them.
        pub const CHECKS: &[&str] =
            &[$($(concat!(stringify!($module), "::", stringify!($check))),+),+];

        /// Runs the check called `name`. Panics when it fails, hangs, or does not exist.
        pub async fn one<R: Runtime>(rt: &R, name: &str) {
            let check: Pin<Box<dyn Future<Output = ()> + Send + '_>> = match name {
                $($(concat!(stringify!($module), "::", stringify!($check)) => Box::pin($module::$check(rt)),)+)+
                _ => panic!("there is no check {name}"),
            };
            assert!(within(rt, PATIENCE * 2, check).await.is_some(), "{name} hangs");
        }
    };
}

checks! {
    clock:
        now_never_goes_back
        a_sleep_lasts_until_its_deadline
        a_deadline_that_passed_is_at_once
        sleepers_do_not_wait_for_each_other
        a_sleep_until_the_end_of_time_goes_on
        the_wall_clock_advances;
    tasks:
        a_task_gives_its_output
        a_task_runs_without_being_awaited
        a_detached_task_runs
        dropping_the_handle_detaches
        an_aborted_task_stops_and_says_so
        aborting_a_finished_task_keeps_its_output
        an_abort_drops_the_future
        draws_differ
        draws_use_every_bit;
    net:
        port_zero_is_some_port
        an_address_is_its_own_name
        a_taken_port_is_refused
        both_ends_know_each_other
        connecting_to_nobody_is_refused
        a_dropped_listener_stops_listening
        streams_outlive_their_listener
        dropping_a_stream_is_the_end_of_file
        dropping_the_writer_closes_half
        dropping_the_reader_closes_nothing
        writing_to_nobody_fails_in_the_end;
    bytes:
        bytes_arrive_in_order
        vectored_writes_keep_their_order
        both_directions_at_once
        a_reader_that_waits_holds_the_writer_back
        many_connections_at_once;
    files:
        open_read_wants_a_file
        open_write_wants_a_file
        open_create_new_wants_none
        open_truncate_empties
        what_was_written_is_read
        parts_are_written_in_order
        a_thousand_and_more_parts
        a_large_write_arrives_whole
        a_write_past_the_end_leaves_zeros
        reads_end_where_the_file_ends
        set_len_cuts_and_extends
        two_handles_see_one_file
        a_renamed_file_stays_open
        a_removed_file_stays_open
        a_reader_may_not_write
        free_space_is_told;
    names:
        a_directory_is_listed_by_name
        the_root_is_listed
        listing_nothing_is_not_found
        a_directory_exists_once
        a_parent_must_exist
        a_rename_replaces
        a_rename_moves_between_directories
        a_renamed_directory_takes_its_files_along
        renaming_nothing_is_not_found
        a_removed_file_is_gone
        removing_nothing_is_not_found
        only_an_empty_directory_is_removed
        a_file_is_no_directory
        a_lock_excludes
        a_dropped_lock_is_free;
    syncs:
        a_file_syncs
        an_untouched_file_syncs
        a_directory_syncs
        syncing_no_directory_is_not_found
        many_files_sync_as_one_round
        an_empty_round_is_fine
        writes_go_on_while_a_sync_runs;
}

/// Runs every check, one after the other, on a runtime whose data directory is empty.
pub async fn all<R: Runtime>(rt: &R) {
    for name in CHECKS {
        one(rt, name).await;
    }
}

/// `future`'s output, or `None` when it takes longer than `patience`.
async fn within<R: Runtime, F: Future>(rt: &R, patience: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut too_late = pin!(rt.sleep_until(rt.now() + patience));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        too_late.as_mut().poll(cx).map(|()| None)
    })
    .await
}

async fn pause<R: Runtime>(rt: &R, ms: u64) {
    rt.sleep_until(rt.now() + Duration::from_millis(ms)).await;
}

/// A directory for one check's files.
struct Corner(PathBuf);

impl Corner {
    /// Creates the directory. Panics when it exists: the suite wants an empty disk.
    async fn new<R: Runtime>(rt: &R, name: &str) -> Corner {
        let made = rt.disk().create_dir(Path::new(name)).await;
        made.unwrap_or_else(|error| panic!("the suite wants an empty data directory: {error}"));
        Corner(PathBuf::from(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Creates a file with this content.
    async fn file<R: Runtime>(&self, rt: &R, name: &str, content: &'static [u8]) -> <R::Disk as Disk>::File {
        let file = rt.disk().open(&self.path(name), OpenMode::CreateNew).await;
        let file = file.unwrap_or_else(|error| panic!("a new file can be created: {error}"));
        let written = file.write_at(0, vec![Bytes::from_static(content)]).await;
        written.unwrap_or_else(|error| panic!("a new file can be written: {error}"));
        file
    }
}

/// The whole content of a file, by its handle.
async fn content<F: File>(file: &F) -> Vec<u8> {
    let len = file.len().await.expect("a file has a length");
    let len = usize::try_from(len).expect("the suite's files are small");
    file.read_at(0, len).await.expect("a file can be read").to_vec()
}

/// The kind of the error that `result` must be.
fn refused<T>(result: Result<T, DiskError>, what: &str) -> DiskErrorKind {
    match result {
        Ok(_) => panic!("{what} succeeded"),
        Err(error) => error.kind,
    }
}
