//! Damages a record in every way that a crash, a full disk, a bad copy or malice can. A case is a
//! function of its seed, so that a failure is found again by its number.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use reports::record::Backend;

use crate::simulated::Simulation;

/// The files of a record by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Numbers that sizes, indices and times should not be.
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    "99999999999999999999999",
    "1e308",
    "-1e308",
    "NaN",
];

/// What runs of bytes are made of: letters, digits, and what opens something.
const FILLERS: [u8; 10] = *b"a7,\"[{\n\0<\xff";

/// A small record with a bit of everything.
pub fn sound_record() -> Files {
    let directory = tempfile::tempdir().unwrap();
    let run = Simulation {
        length_ms: 1_600,
        interval_ms: 200,
        freeze_ms: Some((1_200, 1_400)),
        has_event_time: true,
        state: Some(Backend::RocksDb),
        ..Simulation::default()
    };
    run.finish(directory.path());
    let entries = fs::read_dir(directory.path()).unwrap();
    let files = entries.map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    files.collect()
}

/// The damaged record of one seed.
pub fn damaged(sound: &Files, seed: u64) -> Files {
    let mut random = Random(seed);
    let mut files = sound.clone();
    // Most conclusions are drawn only where none was written.
    if random.below(2) == 0 {
        files.remove("run.json");
    }
    for _ in 0..1 + random.below(4) {
        mutate(&mut files, &mut random);
    }
    files
}

/// Writes the files into an empty directory.
pub fn write(files: &Files, directory: &Path) {
    for (name, bytes) in files {
        fs::write(directory.join(name), bytes).unwrap();
    }
}

fn mutate(files: &mut Files, random: &mut Random) {
    let names: Vec<String> = files.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = names[random.below(names.len())].clone();
    let other = names[random.below(names.len())].clone();
    match random.below(9) {
        0 => {
            files.remove(&name);
        }
        1 => {
            let content = files[&other].clone();
            files.insert(name, content);
        }
        kind => {
            let bytes = files.get_mut(&name).expect("the name is one of the keys");
            damage(bytes, kind, random);
        }
    }
}

fn damage(bytes: &mut Vec<u8>, kind: usize, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    match kind {
        2 => bytes.truncate(at),
        3 => {
            for _ in 0..1 + random.below(16) {
                let at = random.below(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.next() as u8;
                }
            }
        }
        4 => {
            let filler = FILLERS[random.below(FILLERS.len())];
            let length = 1 << random.below(17);
            bytes.splice(at..at, std::iter::repeat_n(filler, length));
        }
        5 => {
            let length = random.below(2_000).min(bytes.len() - at);
            let piece = bytes[at..at + length].repeat(1 + random.below(50));
            bytes.splice(at..at, piece);
        }
        6 => bytes.splice(at..at, histogram_line(random)).for_each(drop),
        _ => {
            for _ in 0..1 + random.below(8) {
                replace_number(bytes, random);
            }
        }
    }
}

/// Puts an unlikely number where one stands.
fn replace_number(bytes: &mut Vec<u8>, random: &mut Random) {
    let from = random.below(bytes.len().max(1));
    let Some(begin) = bytes.iter().skip(from).position(u8::is_ascii_digit) else {
        return;
    };
    let begin = from + begin;
    let digits = bytes[begin..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let end = begin + digits.count();
    let number = NUMBERS[random.below(NUMBERS.len())];
    bytes.splice(begin..end, number.bytes());
}

/// A well-formed line of the latency log whose histogram claims too much: lengths, counts, digits,
/// and sometimes megabytes of zeros in a few bytes.
fn histogram_line(random: &mut Random) -> Vec<u8> {
    let number = |random: &mut Random| NUMBERS[random.below(8)].parse::<i64>().unwrap_or(3) as u32;
    let mut plain = Vec::new();
    plain.extend(0x1c84_9313u32.to_be_bytes());
    plain.extend(number(random).to_be_bytes());
    plain.extend([0; 4]);
    plain.extend((random.below(7) as u32).to_be_bytes());
    plain.extend(random.next().to_be_bytes());
    plain.extend(random.next().to_be_bytes());
    plain.extend([0; 8]);
    plain.extend((0..random.below(200)).map(|_| random.next() as u8));
    if random.below(8) == 0 {
        plain.extend(std::iter::repeat_n(0, 8 << 20));
    }
    if random.below(2) == 0 {
        let payload = (plain.len() - 40) as u32;
        plain[4..8].copy_from_slice(&payload.to_be_bytes());
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&plain).unwrap();
    let deflated = encoder.finish().unwrap();
    let mut packed = 0x1c84_9314u32.to_be_bytes().to_vec();
    packed.extend((deflated.len() as u32).to_be_bytes());
    packed.extend(deflated);
    let text = base64::engine::general_purpose::STANDARD.encode(packed);
    let tag = ["response", "service", "own_lag", "engine_lag"][random.below(4)];
    let begin = NUMBERS[random.below(NUMBERS.len())];
    format!("\nTag={tag},{begin},0.2,1.0,{text}\n").into_bytes()
}

/// Steele, Lea and Flood's SplitMix64 (OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform below a bound that is small against 2^64.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
