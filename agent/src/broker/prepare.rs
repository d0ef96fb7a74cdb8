//! From a request to a plan that can be run, without resolving the same thing twice: a warm request should
//! cost the look at what could have changed, and nothing more.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use aws_vault_protocol::failure::Failure;

use super::Visit;
use crate::config::ConfigFile;
use crate::environment::Environment;
use crate::failure;
use crate::plan::{self, CacheKey, Plan, Purpose, Source};
use crate::stores::StoreHandle;

/// Most profiles whose last plan is kept, at about 2 KiB each.
const MAX_PLANS: usize = 256;

/// A plan with everything needed to run it. Holds no secret, so it may be kept for refreshing.
pub(super) struct Work {
    pub(super) plan: Plan,
    /// Cache keys of the results of the first 0, 1, … steps.
    pub(super) keys: Vec<CacheKey>,
    pub(super) environment: Rc<Environment>,
    pub(super) store: StoreHandle,
}

/// What a client asks for, apart from what it brought along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) profile: String,
    pub(super) region: Option<String>,
    /// 0 means not given.
    pub(super) duration_seconds: u32,
    pub(super) no_session: bool,
}

/// The last plan of each profile, with all that it was made from.
#[derive(Default)]
pub(super) struct Plans(RefCell<HashMap<String, Made>>);

struct Made {
    wish: Wish,
    config: Rc<ConfigFile>,
    /// Every stored item that was looked for, and what was found.
    looked_up: HashMap<String, Option<Vec<u8>>>,
    work: Rc<Work>,
}

impl Plans {
    /// The plan for a wish. Made anew unless everything that it was made from is the same.
    pub(super) fn prepare(&self, visit: &Visit, wish: &Wish) -> Result<Rc<Work>, Failure> {
        if let Some(made) = self.0.borrow().get(&wish.profile)
            && made.still_holds(visit, wish)
        {
            return Ok(Rc::clone(&made.work));
        }
        let made = make(visit, wish)?;
        let work = Rc::clone(&made.work);
        let mut plans = self.0.borrow_mut();
        if plans.len() >= MAX_PLANS {
            plans.clear();
        }
        plans.insert(wish.profile.clone(), made);
        Ok(work)
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

impl Work {
    /// The name of the stored key that this work starts from, if it does.
    pub(super) fn key_name(&self) -> Option<&str> {
        match &self.plan.source {
            Source::LongTermKey(key) => Some(&key.name),
            Source::Sso(_) | Source::WebIdentity(_) | Source::CredentialProcess(_) => None,
        }
    }

    /// Names the stored item that this work starts from.
    pub(super) fn source_id(&self) -> String {
        match &self.plan.source {
            Source::LongTermKey(key) => self.store.item_id(&key.name),
            Source::Sso(access) => access.start_url.clone(),
            Source::WebIdentity(identity) => identity.profile.clone(),
            Source::CredentialProcess(process) => process.profile.clone(),
        }
    }
}

impl Made {
    fn still_holds(&self, visit: &Visit, wish: &Wish) -> bool {
        let store = visit.store.store();
        self.wish == *wish
            && Rc::ptr_eq(&self.config, &visit.config)
            && self.work.store.number() == visit.store.number()
            && self.work.environment == visit.asker.environment
            && self.looked_up.iter().all(|(name, version)| store.version(name) == *version)
    }
}

fn make(visit: &Visit, wish: &Wish) -> Result<Made, Failure> {
    let store = visit.store.store();
    let looked_up = RefCell::new(HashMap::<String, Option<Vec<u8>>>::new());
    let version = |name: &str| {
        looked_up.borrow_mut().entry(name.to_owned()).or_insert_with(|| store.version(name)).clone()
    };
    let environment = Rc::clone(&visit.asker.environment);
    let request = plan::Request {
        profile: &wish.profile,
        region: wish.region.as_deref(),
        duration: (wish.duration_seconds > 0).then(|| Duration::from_secs(wish.duration_seconds.into())),
        no_session: wish.no_session,
        purpose: Purpose::Credentials,
        environment: &environment,
    };
    let plan = plan::resolve(&visit.config, &|name| version(name).is_some(), &request)
        .map_err(|error| failure::from_plan(&error))?;
    // The same name in another store, or after another `add`, is another source.
    let mut source_version = visit.store.number().to_le_bytes().to_vec();
    if let Source::LongTermKey(key) = &plan.source {
        source_version.extend(version(&key.name).unwrap_or_default());
    }
    let keys = (0..=plan.steps.len()).map(|steps| plan.cache_key(steps, &source_version)).collect();
    let work = Rc::new(Work { plan, keys, environment, store: visit.store.clone() });
    let looked_up = looked_up.into_inner();
    Ok(Made { wish: wish.clone(), config: Rc::clone(&visit.config), looked_up, work })
}
