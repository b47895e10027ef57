//! What operators say of programs that are run: of all, and of single ones.

use std::{ffi::OsString, path::Path, path::PathBuf, time::Duration};

use super::program::Call;

/// How programs are run.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) time_limit: Duration,
    /// Variables of all.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The first that fits says more.
    pub(crate) programs: Vec<Program>,
}

/// How a program is run.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// None for every hook.
    pub(crate) hook: Option<String>,
    /// None for that of all.
    pub(crate) time_limit: Option<Duration>,
    /// More variables.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Behind the arguments that the hook has.
    pub(crate) arguments: Vec<OsString>,
}

impl Programs {
    /// The names of the hooks that run programs, as SFTPGo has them.
    pub(crate) const HOOKS: [&str; 5] = [
        Self::FILE_ACTIONS,
        Self::USER_ACTIONS,
        Self::STARTUP,
        Self::POST_CONNECT,
        Self::POST_DISCONNECT,
    ];
    pub(crate) const FILE_ACTIONS: &str = "fs_actions";
    pub(crate) const USER_ACTIONS: &str = "provider_actions";
    pub(crate) const STARTUP: &str = "startup";
    pub(crate) const POST_CONNECT: &str = "post_connect";
    pub(crate) const POST_DISCONNECT: &str = "post_disconnect";

    /// The program at `path` as `hook` runs it. Its `variables` win over those that are configured.
    pub(crate) fn call(
        &self,
        hook: &str,
        path: &Path,
        mut arguments: Vec<OsString>,
        variables: Vec<(OsString, OsString)>,
    ) -> Call {
        let own = self.programs.iter().find(|program| {
            program.path == path && program.hook.as_deref().is_none_or(|name| name == hook)
        });
        let mut environment = self.environment.clone();
        if let Some(own) = own {
            environment.extend_from_slice(&own.environment);
            arguments.extend_from_slice(&own.arguments);
        }
        environment.extend(variables);
        Call {
            path: path.to_owned(),
            arguments,
            environment,
            time_limit: own
                .and_then(|own| own.time_limit)
                .unwrap_or(self.time_limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(hook: Option<&str>, seconds: u64, argument: &str) -> Program {
        Program {
            path: "/hook".into(),
            hook: hook.map(str::to_owned),
            time_limit: Some(Duration::from_secs(seconds)),
            environment: vec![("B".into(), "own".into())],
            arguments: vec![argument.into()],
        }
    }

    #[test]
    fn the_first_that_fits_says_how() {
        let programs = Programs {
            time_limit: Duration::from_secs(30),
            environment: vec![("A".into(), "all".into())],
            programs: vec![
                program(Some(Programs::STARTUP), 1, "one"),
                program(None, 2, "two"),
                program(None, 3, "three"),
            ],
        };
        let call = |hook, path: &str| {
            let variables = vec![("C".into(), "hook".into())];
            let call = programs.call(hook, Path::new(path), vec!["first".into()], variables);
            let names: Vec<_> = call.environment.into_iter().map(|(name, _)| name).collect();
            (call.time_limit.as_secs(), call.arguments, names)
        };
        let texts = |texts: &[&str]| texts.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            call(Programs::STARTUP, "/hook"),
            (1, texts(&["first", "one"]), texts(&["A", "B", "C"]))
        );
        assert_eq!(
            call(Programs::POST_CONNECT, "/hook"),
            (2, texts(&["first", "two"]), texts(&["A", "B", "C"]))
        );
        assert_eq!(
            call(Programs::STARTUP, "/other"),
            (30, texts(&["first"]), texts(&["A", "C"]))
        );
    }
}
