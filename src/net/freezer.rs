//! A control group that freezes processes, as container engines and suspended services do: what a drill does to an agent.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Names the two generations of the kernel's freezer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hierarchy {
    /// `freezer.state`: what is frozen cannot even be killed before it thaws.
    V1,
    /// `cgroup.freeze`.
    V2,
}

/// Freezes what is put into it. Dropped, it thaws, puts everything back, and is gone.
#[derive(Debug)]
pub struct Freezer {
    hierarchy: Hierarchy,
    /// Where the processes came from.
    parent: PathBuf,
    path: PathBuf,
}

impl Freezer {
    /// Makes one below the control group of this process.
    ///
    /// # Errors
    /// `NotFound` where the system has no such hierarchy; what the kernel says where it may not be written, as in most
    /// containers.
    pub fn new(hierarchy: Hierarchy) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let groups = fs::read_to_string("/proc/self/cgroup")?;
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let parent = find(hierarchy, &groups, &mounts).ok_or(ErrorKind::NotFound)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("vipd-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self { hierarchy, parent, path })
    }

    /// Puts a process into it and freezes it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn freeze(&self, process: i32) -> io::Result<()> {
        fs::write(self.path.join("cgroup.procs"), process.to_string())?;
        self.set(true)
    }

    /// Lets everything in it go on.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn thaw(&self) -> io::Result<()> {
        self.set(false)
    }

    fn set(&self, frozen: bool) -> io::Result<()> {
        let (file, value) = match (self.hierarchy, frozen) {
            (Hierarchy::V1, true) => ("freezer.state", "FROZEN"),
            (Hierarchy::V1, false) => ("freezer.state", "THAWED"),
            (Hierarchy::V2, true) => ("cgroup.freeze", "1"),
            (Hierarchy::V2, false) => ("cgroup.freeze", "0"),
        };
        fs::write(self.path.join(file), value)
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        // A group that is left behind is empty and harmless.
        let _ = self.thaw();
        let processes = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        for process in processes.lines() {
            let _ = fs::write(self.parent.join("cgroup.procs"), process);
        }
        let _ = fs::remove_dir(&self.path);
    }
}

/// Finds the directory of the own control group, from what the kernel says in `/proc/self/cgroup` and `mountinfo`.
fn find(hierarchy: Hierarchy, groups: &str, mounts: &str) -> Option<PathBuf> {
    let own = groups.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let wanted = match hierarchy {
            Hierarchy::V1 => controllers.split(',').any(|controller| controller == "freezer"),
            Hierarchy::V2 => controllers.is_empty(),
        };
        wanted.then_some(path)
    })?;
    mounts.lines().find_map(|line| {
        // proc_pid_mountinfo(5): "... root mount-point options ... - type source super-options".
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let (kind, options) = (kind.next()?, kind.nth(1)?);
        let wanted = match hierarchy {
            Hierarchy::V1 => kind == "cgroup" && options.split(',').any(|option| option == "freezer"),
            Hierarchy::V2 => kind == "cgroup2",
        };
        let below = Path::new(own).strip_prefix(root).ok()?;
        wanted.then(|| Path::new(point).join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_in_either_hierarchy() {
        let groups = "4:freezer:/box\n1:name=systemd:/\n0::/service\n";
        let mounts = "41 23 0:37 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n\
                      45 23 0:41 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

        assert_eq!(find(Hierarchy::V1, groups, mounts), Some("/sys/fs/cgroup/freezer/box".into()));
        assert_eq!(find(Hierarchy::V2, groups, mounts), Some("/sys/fs/cgroup/unified/service".into()));
        assert_eq!(find(Hierarchy::V1, "0::/\n", mounts), None);
    }

    #[test]
    fn a_mount_of_a_part_of_the_tree_is_taken_for_that_part() {
        let mounts = "45 23 0:41 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";

        assert_eq!(find(Hierarchy::V2, "0::/docker/1/own\n", mounts), Some("/sys/fs/cgroup/own".into()));
        assert_eq!(find(Hierarchy::V2, "0::/docker/2\n", mounts), None);
    }
}
