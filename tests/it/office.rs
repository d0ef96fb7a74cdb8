//! The surroundings that most tests want: a user with a key, an MFA device and a role that asks for it.

use aws_vault_tests::standin::{RoleOptions, UserKeys};
use aws_vault_tests::world::{Agent, World};

/// A running agent whose store holds the key of `alice`. Profiles: `alice` with MFA, `admin` with MFA over `alice`.
pub(crate) struct Office {
    // Ends before the world does.
    pub(crate) agent: Agent,
    pub(crate) world: World,
    pub(crate) keys: UserKeys,
    pub(crate) serial: String,
}

impl Office {
    pub(crate) fn open() -> Self {
        Self::open_in(World::new(), &[])
    }

    /// With options of the agent.
    pub(crate) fn open_in(world: World, options: &[&str]) -> Self {
        let keys = world.aws.add_user("alice");
        let serial = world.aws.add_mfa_device("alice");
        let needs_mfa = RoleOptions { requires_mfa: true, ..RoleOptions::default() };
        let admin = world.aws.add_role("admin", needs_mfa);
        world.config(&format!(
            "[profile alice]\nmfa_serial = {serial}\n\n[profile admin]\nsource_profile = alice\n\
             role_arn = {admin}\nmfa_serial = {serial}\n"
        ));
        let agent = world.agent_with(options);
        world.store_key(&agent, "alice", &keys);
        Self { agent, world, keys, serial }
    }

    /// With a role `reader` that asks for nothing, and a profile for it over a key without MFA.
    pub(crate) fn without_mfa(options: &[&str]) -> Self {
        Self::open_in(World::new(), options).add_reader()
    }

    /// [`Office::without_mfa`] in a given world.
    pub(crate) fn without_mfa_in(world: World) -> Self {
        Self::open_in(world, &[]).add_reader()
    }

    fn add_reader(self) -> Self {
        let reader = self.world.aws.add_role("reader", RoleOptions::default());
        self.world.config(&format!(
            "[profile alice]\n\n[profile reader]\nsource_profile = alice\nrole_arn = {reader}\n"
        ));
        self
    }

    /// How often sessions and roles were asked for at AWS.
    pub(crate) fn calls(&self) -> (usize, usize) {
        (self.world.aws.count("GetSessionToken"), self.world.aws.count("AssumeRole"))
    }
}
