//! A full disk is survived by whoever writes, and by nobody who syncs.

use super::*;

#[test]
fn no_space_for_a_sync_is_a_failure_of_the_disk() {
    let path = Path::new("t-0/00000000000000000000.log");
    for errno in [Errno::NOSPC, Errno::DQUOT] {
        assert_eq!(disk_error("write", path, errno).kind, DiskErrorKind::NoSpace);
        let failed = sync_error(path, errno);
        assert_eq!((failed.kind, failed.op), (DiskErrorKind::Io, "sync"));
        assert_eq!(failed.detail, errno.to_string());
    }
}
