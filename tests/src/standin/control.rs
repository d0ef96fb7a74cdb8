//! The control path: what [`StandIn`](super::StandIn) offers in Rust, as JSON over HTTP for other processes.
//!
//! `docs/testing.md` lists the requests. They are neither signed nor logged. Nothing here may do what the Rust API
//! cannot.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::faults::{ANY_ACTION, Fault};
use super::request::{Parameters, Request};
use super::totp::Device;
use super::world::RoleOptions;

/// Where the control requests are; AWS has nothing under it.
pub(super) const PREFIX: &str = "/_control/";

/// A status and a JSON body.
type Answer = (u16, Value);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDevice {
    user: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRole {
    name: String,
    #[serde(default)]
    options: RoleOptions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFault {
    #[serde(default = "any_action")]
    action: String,
    #[serde(default = "once")]
    times: u32,
    fault: Fault,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    skew_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lifetime {
    /// Null for what each call asks for.
    seconds: Option<u32>,
}

/// Carries out one control request.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    let result = match (request.method.as_str(), &request.path[PREFIX.len()..]) {
        ("GET", what) => read(shared, what, &Parameters::parse(&request.query)),
        ("POST", what) => change(shared, what, &request.body),
        ("DELETE", "calls") => {
            shared.world().log.clear();
            Ok(json!({}))
        }
        ("DELETE", "faults") => {
            shared.clear_faults();
            Ok(json!({}))
        }
        _ => Err(not_found()),
    };
    result.map_or_else(|refusal| refusal, |body| (200, body))
}

fn read(shared: &Shared, what: &str, parameters: &Parameters) -> Result<Value, Answer> {
    let mut world = shared.world();
    let serial = parameters.get("serial").unwrap_or_default();
    let no_device = || (404, json!({"error": format!("no MFA device '{serial}'")}));
    match what {
        "calls" => Ok(json!({"calls": world.log.calls()})),
        "issued" => Ok(json!({"issued": world.issued()})),
        "code" => {
            let code = world.code(serial).ok_or_else(no_device)?;
            Ok(json!({"code": code}))
        }
        "current-code" => {
            let code = world.current_code(serial).ok_or_else(no_device)?;
            Ok(json!({"code": code, "seconds_to_next_step": world.seconds_to_next_step()}))
        }
        _ => Err(not_found()),
    }
}

fn change(shared: &Shared, what: &str, body: &[u8]) -> Result<Value, Answer> {
    match what {
        "users" => {
            let NewUser { name } = parse(body)?;
            Ok(json!(shared.world().add_user(&name)))
        }
        "mfa-devices" => {
            let NewDevice { user } = parse(body)?;
            let mut world = shared.world();
            let serial = world.add_mfa_device(&user);
            let seed = world.devices.get(&serial).map(Device::seed_base32);
            Ok(json!({"serial": serial, "seed": seed}))
        }
        "roles" => {
            let NewRole { name, options } = parse(body)?;
            Ok(json!({"arn": shared.world().add_role(&name, options)}))
        }
        "faults" => {
            let NewFault { action, times, fault } = parse(body)?;
            shared.world().faults.add(&action, times, fault);
            Ok(json!({}))
        }
        "release" => {
            shared.release();
            Ok(json!({}))
        }
        "clock" => {
            let Clock { skew_seconds } = parse(body)?;
            shared.world().clock_skew = skew_seconds;
            Ok(json!({}))
        }
        "lifetime" => {
            let Lifetime { seconds } = parse(body)?;
            shared.world().lifetime = seconds.map(i64::from);
            Ok(json!({}))
        }
        _ => Err(not_found()),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Answer> {
    serde_json::from_slice(body).map_err(|error| (400, json!({"error": error.to_string()})))
}

fn any_action() -> String {
    ANY_ACTION.to_owned()
}

fn once() -> u32 {
    1
}

fn not_found() -> Answer {
    (404, json!({"error": "no such control request; docs/testing.md lists them"}))
}
