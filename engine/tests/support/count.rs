//! A running count that the engine's tests share: of each row, its key and how many there were.

use engine::Aggregate;

#[derive(Clone)]
pub struct Count;
impl Aggregate<u64, u64> for Count {
    type Accumulator = u64;
    type Out = (u64, u64);
    fn create(&self) -> u64 {
        0
    }
    fn add(&self, count: &mut u64, _value: u64) {
        *count += 1;
    }
    fn result(&self, key: &u64, count: &u64) -> (u64, u64) {
        (*key, *count)
    }
}
