//! An orderly end while tasks still use the disk.

use super::*;
use crate::tests::directory;
use bytes::Bytes;
use runtime::{Disk, File, OpenMode, Runtime};
use std::path::PathBuf;

#[test]
fn tasks_that_still_write_do_not_disturb_the_end() {
    let dir = directory();
    for round in 0..20 {
        let ran = Threads { workers: 2, blocking_max: 2 }.run(dir.path(), |rt| async move {
            for n in 0..8 {
                let inner = rt.clone();
                rt.spawn_detached("writer", async move {
                    let path = PathBuf::from(format!("{round}-{n}"));
                    let file = inner.disk().open(&path, OpenMode::CreateNew).await.unwrap();
                    for at in 0.. {
                        file.write_at(at, vec![Bytes::from_static(b"x")]).await.unwrap();
                        file.sync().await.unwrap();
                    }
                });
            }
            rt.sleep_until(rt.now() + Duration::from_millis(5)).await;
        });
        ran.unwrap();
    }
}
