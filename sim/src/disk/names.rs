//! One directory: the names that readers see, those that would survive, and the changes between the two.

use std::collections::BTreeMap;

/// A file or directory, whatever its name.
pub(super) type Inode = u64;

/// Names and what they stand for.
pub(super) type Names = BTreeMap<String, Inode>;

/// A directory's contents.
#[derive(Default)]
pub(super) struct DirNode {
    /// What readers see.
    pub(super) live: Names,
    /// What is certainly on the device.
    pub(super) durable: Names,
    /// Changes on top of `durable` that lead to `live`, in order.
    pub(super) pending: Vec<PendingName>,
    next: u64,
}

/// A change of names that a crash may undo.
pub(super) struct PendingName {
    number: u64,
    pub(super) change: NameChange,
}

/// What can happen to names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NameChange {
    /// A name appears, or stands for something else from now on.
    Link { name: String, inode: Inode },
    /// A name disappears.
    Unlink { name: String, inode: Inode },
    /// A name becomes another, atomically.
    Rename { from: String, to: String, inode: Inode },
}

impl DirNode {
    pub(super) fn change(&mut self, change: NameChange) {
        apply(&mut self.live, &change);
        self.pending.push(PendingName { number: self.next, change });
        self.next += 1;
    }

    /// Changes entered from now on are not below this number: what a sync that starts now covers.
    pub(super) fn next_change(&self) -> u64 {
        self.next
    }

    /// A sync that began when `next_change` was `below` has succeeded. How many names have ceased to stand for something.
    pub(super) fn synced(&mut self, below: u64) -> usize {
        let durable = &mut self.durable;
        let mut ceased = 0;
        self.pending.retain(|pending| {
            if pending.number < below {
                let [_, name] = pending.change.names();
                ceased += usize::from(durable.contains_key(name));
                apply(durable, &pending.change);
            }
            pending.number >= below
        });
        ceased
    }

    /// Everything that some name may yet stand for, now or after a crash.
    pub(super) fn reachable(&self) -> impl Iterator<Item = Inode> {
        let pending = self.pending.iter().map(|pending| match &pending.change {
            NameChange::Link { inode, .. } | NameChange::Unlink { inode, .. } => *inode,
            NameChange::Rename { inode, .. } => *inode,
        });
        self.live.values().chain(self.durable.values()).copied().chain(pending)
    }
}

impl NameChange {
    /// The names that it touches.
    pub(super) fn names(&self) -> [&String; 2] {
        match self {
            NameChange::Link { name, .. } | NameChange::Unlink { name, .. } => [name, name],
            NameChange::Rename { from, to, .. } => [from, to],
        }
    }
}

/// Carries out one change.
pub(super) fn apply(names: &mut Names, change: &NameChange) {
    match change {
        NameChange::Link { name, inode } => {
            names.insert(name.clone(), *inode);
        }
        NameChange::Unlink { name, inode } => {
            let gone = names.remove(name);
            assert_eq!(gone, Some(*inode), "changes of one name keep their order");
        }
        NameChange::Rename { from, to, inode } => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
    }
}
