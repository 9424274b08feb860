//! stub
use super::Criterion;
/// stub
pub type RouteId = u32;
/// stub
#[derive(Default, Debug)]
pub struct Routes(std::collections::BTreeSet<(Criterion, RouteId)>);
impl Routes {
    /// stub
    pub fn new() -> Self {
        Self::default()
    }
    /// stub
    pub fn insert(&mut self, criterion: &Criterion, id: RouteId) {
        self.0.insert((criterion.clone(), id));
    }
    /// stub
    pub fn remove(&mut self, criterion: &Criterion, id: RouteId) -> bool {
        self.0.remove(&(criterion.clone(), id))
    }
    /// stub
    pub fn matching(&self, subject: &[u8], found: &mut impl FnMut(RouteId)) {
        self.0.iter().filter(|(c, _)| c.matches(subject)).for_each(|(_, id)| found(*id));
    }
}
