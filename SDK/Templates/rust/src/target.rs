//! One deployment.

use crate::abi::{Command, Sink, Slice, Status, CMD_ERROR, ERR_INVALID, E_INVALID};
use crate::json::{self, Value};

/// Why parameters are refused.
pub struct Failure {
    parameter: String,
    message: &'static str,
}

impl Failure {
    pub fn new(parameter: &str, message: &'static str) -> Self {
        Failure { parameter: parameter.to_string(), message }
    }

    /// Tells the host, and gives the status that refuses.
    pub fn emit(&self, why: &Sink) -> Status {
        let mut command = Command::new(CMD_ERROR);
        command.code = ERR_INVALID;
        command.data = Slice::new(self.message.as_bytes());
        command.text = Slice::new(self.parameter.as_bytes());
        why.emit(&command).err().unwrap_or(E_INVALID)
    }
}

pub struct Target {
    /// Where chat completions are asked for.
    pub url: String,
    /// The name of the key's value, which the host alone knows.
    pub secret: Option<String>,
}

impl Target {
    /// Checks a deployment's parameters.
    pub fn new(parameters: &[u8]) -> Result<Target, Failure> {
        let (mut url, mut secret) = (None, None);
        let members = json::object(parameters)
            .ok_or_else(|| Failure::new("", "The parameters must be texts; acme has model, api_base and api_key."))?;
        for (name, value) in members {
            match (name.as_str(), value) {
                // The requests name it: the host says what the provider calls it.
                ("model", Value::Text(_)) => {}
                ("api_base", Value::Text(base)) => url = Some(chat_url(&base)?),
                ("api_key", Value::Secret(name)) if !name.is_empty() => secret = Some(name),
                ("model" | "api_base" | "api_key", _) => return Err(Failure::new(&name, "It must be a text.")),
                _ => {
                    let message = "acme does not know this parameter; it has model, api_base and api_key.";
                    return Err(Failure::new(&name, message));
                }
            }
        }
        match url {
            Some(url) => Ok(Target { url, secret }),
            None => Err(Failure::new("api_base", "acme needs `api_base`: set it in the deployment.")),
        }
    }
}

fn chat_url(base: &str) -> Result<String, Failure> {
    let base = base.trim_end_matches('/');
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
    let is_good = |byte: u8| (0x21..=0x7e).contains(&byte) && !b"?#@\\".contains(&byte);
    match rest {
        Some(rest) if !rest.is_empty() && rest.bytes().all(is_good) => Ok(format!("{base}/chat/completions")),
        _ => {
            let message = "`api_base` must be an http or https URL, such as https://api.acme.example/v1.";
            Err(Failure::new("api_base", message))
        }
    }
}
