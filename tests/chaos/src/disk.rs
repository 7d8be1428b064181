//! A node's disk: a file system of its own, in a file that is mounted, so that one that is full is really full.

use crate::fabric::HostId;
use crate::tools::{about, command, run};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use std::fs::File;
use std::path::{Path, PathBuf};

/// How large a disk is. The file takes as much as is stored in it.
const DISK_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// The largest and the smallest piece of the ballast.
const PIECE_BYTES: (u64, u64) = (256 * 1024 * 1024, 4096);

/// A disk. It is unmounted when the traces of the run are swept.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    mounted: PathBuf,
}

impl Disk {
    /// Makes a file system for a node below a directory, and mounts it.
    pub fn new(directory: &Path, node: HostId) -> Result<Disk, String> {
        let image = directory.join(format!("node-{node}.ext4"));
        let mounted = directory.join(format!("node-{node}"));
        let sparse = File::create_new(&image).and_then(|file| file.set_len(DISK_BYTES));
        sparse.map_err(|why| about(&image, why))?;
        std::fs::create_dir(&mounted).map_err(|why| about(&mounted, why))?;
        // Nothing is kept back for the superuser: that is who the node is.
        run(command("mkfs.ext4", &["-q", "-F", "-m", "0", "-J", "size=16"]).arg(&image))?;
        run(command("mount", &["-o", "loop"]).arg(&image).arg(&mounted))?;
        Ok(Disk { image, mounted })
    }

    /// The node's data directory.
    pub fn data(&self) -> PathBuf {
        self.mounted.join("data")
    }

    /// Takes all the space that there is.
    pub fn fill(&self) -> Result<(), String> {
        let path = self.ballast();
        let file = File::create(&path).map_err(|why| about(&path, why))?;
        let (mut piece, mut at) = (PIECE_BYTES.0, 0);
        while piece >= PIECE_BYTES.1 {
            match fallocate(&file, FallocateFlags::empty(), at, piece) {
                Ok(()) => at += piece,
                Err(Errno::NOSPC) => piece /= 2,
                Err(why) => return Err(about(&path, why)),
            }
        }
        Ok(())
    }

    /// Gives it back. Whether it was taken is no matter.
    pub fn empty(&self) -> Result<(), String> {
        let path = self.ballast();
        match std::fs::remove_file(&path) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(about(&path, why)),
            _ => Ok(()),
        }
    }

    /// Puts the file that holds it elsewhere, once nobody uses it any more.
    pub fn keep(&self, directory: &Path) -> Result<(), String> {
        run(command("umount", &[]).arg(&self.mounted))?;
        let kept = directory.join(self.image.file_name().expect("a file's name"));
        std::fs::rename(&self.image, &kept).map_err(|why| about(&kept, why))
    }

    fn ballast(&self) -> PathBuf {
        self.mounted.join("ballast")
    }
}
