//! Owns what a delivery does about calls that a row waits for. What their steps are is known elsewhere.

use serde_json::Value as Json;

use super::{Deliverer, Sending, failing_for, is_given_up, later};
use crate::error::{Error, ErrorKind};
use crate::neon::queue::back_off::after_failing_for;
use crate::pg::queue::calls::Queued;
use crate::pg::queue::fate::{Fate, decide};
use crate::pg::queue::look;
use crate::pg::queue::sync_user::step::{
    Step, become_deletion, is_former, link, put_behind, write,
};

impl Deliverer {
    /// A call is done at Neon. If a row waits for it, it is over when that has the id.
    pub(super) fn done(&mut self, call: &Queued, state: &str, result: Json) -> Result<(), Error> {
        if call.waits_for_row() {
            decide(call, state, Fate::Made(result))?;
            self.made.push_back((call.id, call.lane()));
            return Ok(());
        }
        self.end(call, state, Fate::Done(result))
    }

    /// The user of a call is there. If not by it, the user is not deleted with the row.
    pub(super) fn found(
        &mut self,
        call: &Queued,
        state: &str,
        result: Json,
        is_from_before: bool,
    ) -> Result<(), Error> {
        if !is_from_before || !call.waits_for_row() {
            return self.done(call, state, result);
        }
        let id = result["id"].as_str().unwrap_or_default();
        match self.scope.deletion_of(call, id)? {
            None => {
                if !is_former(call, &result) {
                    link(call.id, true)?;
                }
                self.done(call, state, result)
            }
            Some(deletion) if deletion.is_next && put_behind(call, state)? => {
                self.scope.free_next(&call.server, &call.subject)?;
                self.window.moved();
                Ok(())
            }
            Some(deletion) => {
                let why = Error::user_is_to_be_deleted(deletion.id);
                self.do_step(call.clone(), state, Step::Later(why))
            }
        }
    }

    /// Has the row of a claimed call know what was made for it. A transaction of its own.
    pub fn write(&mut self, call: Queued) -> Result<(), Error> {
        let step = write(&call, self.scope.role);
        if !self.lock.hold() {
            return Err(Error::queue_is_being_run(&self.scope.role.to_string()));
        }
        self.do_step(call, "sending", step)
    }

    /// What its row says of a call that is not sent.
    pub(super) fn do_step(
        &mut self,
        mut call: Queued,
        state: &str,
        step: Step,
    ) -> Result<(), Error> {
        self.window.moved();
        match step {
            Step::Send | Step::Write => Ok(()),
            Step::Cancel(why) => self.end(&call, state, Fate::Cancelled(&why)),
            Step::Done(result) => self.end(&call, state, Fate::Done(result)),
            Step::HadIt(result) => {
                link(call.id, false)?;
                self.end(&call, state, Fate::Done(result))
            }
            Step::Delete(id) => {
                become_deletion(&call, state, &id)?;
                Ok(())
            }
            Step::Later(why) | Step::AllLater(_, why) if is_given_up(&mut call) => {
                self.end(&call, state, Fate::Failed(&why))
            }
            Step::Later(why) => {
                let until = later(after_failing_for(failing_for(&call), fastrand::f64()));
                decide(&call, state, Fate::Waits { until, why: &why })?;
                Ok(())
            }
            Step::AllLater(table, why) => {
                let until = later(after_failing_for(failing_for(&call), fastrand::f64()));
                decide(&call, state, Fate::Waits { until, why: &why })?;
                self.scope.put_off_rows(&call.lane(), table, until, &why)
            }
        }
    }

    /// It has failed for good; but where the user was there before, a row gets that one's id.
    pub(super) fn fail(
        &mut self,
        call: &Queued,
        sending: &Sending,
        error: Error,
    ) -> Result<(), Error> {
        if !call.waits_for_row() || error.kind != ErrorKind::AlreadyExists {
            return self.end(call, "sending", Fate::Failed(&error));
        }
        match look::id_of(&sending.session, &sending.call) {
            Some(id) => self.found(call, "sending", sending.call.result(Some(&id)), true),
            None => {
                let error = error.with_hint(Error::user_was_there());
                self.end(call, "sending", Fate::Failed(&error))
            }
        }
    }
}
