//! Other users than root, on a host, by means of `setpriv`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Command, Output, Stdio};

use nix::unistd::Pid;

use super::Node;

/// A user that no test machine knows; its group has the same number.
const USER: u32 = 61_234;

impl Node {
    /// Gives the agent's user to an ordinary one from now on, with these ambient capabilities.
    pub(crate) fn run_as_user(&mut self, capabilities: &[&str]) {
        self.open_folder();
        chown(self.folder(), Some(USER), Some(USER)).unwrap();
        let capabilities: Vec<String> = capabilities.iter().map(|name| format!("+{name}")).collect();
        let capabilities = capabilities.join(",");
        let sets = ["--inh-caps", "--ambient-caps"].map(|set| [set.to_owned(), capabilities.clone()]);
        self.wrapper = [setpriv(&[]), sets.concat()].concat();
    }

    /// Lets every user reach the folder and run the program in it.
    pub(crate) fn open_folder(&mut self) {
        self.copy_binary();
        fs::set_permissions(self.folder(), Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a subcommand as an ordinary user who is in these groups, and waits for its end.
    pub(crate) fn vipd_as_user(&self, groups: &[u32], arguments: &[&str]) -> Output {
        let wrapper = setpriv(groups);
        let mut command = Command::new(&wrapper[0]);
        command.args(&wrapper[1..]).arg(self.folder().join("vipd")).args(arguments);
        command.arg("--control-socket").arg(self.socket()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.namespace().spawn(command).unwrap().wait_with_output().unwrap()
    }
}

fn setpriv(groups: &[u32]) -> Vec<String> {
    let mut arguments = vec!["setpriv".to_owned(), format!("--reuid={USER}"), format!("--regid={USER}")];
    let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
    arguments.push(if groups.is_empty() {
        "--clear-groups".to_owned()
    } else {
        format!("--groups={}", groups.join(","))
    });
    arguments
}

/// Returns what the kernel says of each thread of a process under a key of its `status`.
pub(crate) fn of_each_thread(process: Pid, key: &str) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let value = |thread: std::io::Result<fs::DirEntry>| {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        Some(line.trim().to_owned())
    };
    threads.filter_map(value).collect()
}
