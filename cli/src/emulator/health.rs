//! `health`: checks that an emulator is running.

use std::{net::IpAddr, time::Duration};

use fintech_auth::HttpOptions;

use super::{address, page::HEALTH};
use crate::{exit::Failure, options::port};

const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(clap::Args)]
#[command(after_help = "\
Sends GET /healthz to an emulator, with a timeout of 3s. The exit code is 0 if
the emulator responds, otherwise 1.

Examples:
  fintech-auth health
  fintech-auth health --port 5000")]
pub(crate) struct Health {
    /// The emulator's port
    #[arg(long, default_value = "4848", value_parser = port)]
    port: u16,
    /// The emulator's address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = address)]
    host: IpAddr,
}

impl Health {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let url = format!("http://{}", std::net::SocketAddr::from((self.host, self.port)));
        let http = HttpOptions::default().with_timeout(TIMEOUT);
        let http = if self.host.is_loopback() { http } else { http.with_allow_http([self.host.to_string()]) };
        let response = http.to_reqwest(&url)?.get(format!("{url}{HEALTH}")).send().await;
        match response.map(|response| response.status().as_u16()) {
            Ok(200) => Ok(()),
            Ok(status) => Err(Failure::local(format!(
                "the server at this address is not an emulator: it responded with status {status}"
            ))),
            Err(error) if error.is_timeout() => {
                Err(Failure::local("the emulator did not respond within 3 s"))
            }
            Err(_) => Err(Failure::local("no emulator is running at this address")),
        }
    }
}
