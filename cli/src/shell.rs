//! The commands `completions` and `man`, which print shell completions and manual pages.

use std::path::PathBuf;

use clap::{Args, Command, ValueHint::DirPath};
use clap_complete::Shell;

use crate::{exit::Failure, output::print};

#[derive(Args)]
#[command(after_help = "\
Examples:
  fintech-auth completions bash > /etc/bash_completion.d/fintech-auth
  source <(fintech-auth completions zsh)   # in ~/.zshrc, after compinit
  fintech-auth completions fish > ~/.config/fish/completions/fintech-auth.fish")]
pub(crate) struct Completions {
    shell: Shell,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  fintech-auth man ~/.local/share/man/man1
  fintech-auth man | man -l -")]
pub(crate) struct Man {
    /// Write one page per command to DIR. Default: print the main page
    #[arg(value_name = "DIR", value_hint = DirPath)]
    folder: Option<PathBuf>,
}

pub(crate) fn completions(args: &Completions, mut command: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "fintech-auth", &mut script);
    print(&String::from_utf8_lossy(&script))
}

pub(crate) fn man(args: &Man, command: Command) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::local(format!("cannot write the manual: {error}"));
    if let Some(folder) = &args.folder {
        return clap_mangen::generate_to(command, folder).map_err(failed);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(failed)?;
    print(&String::from_utf8_lossy(&page))
}
