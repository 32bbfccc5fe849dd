//! What processes have used, as the kernel counts it.

use std::fs;

/// Ticks a second: Linux counts in hundredths on every machine that runs this.
const TICKS: f64 = 100.0;

/// The numbers of `/proc/<pid>/stat` behind the name, which may hold anything.
fn stat(pid: u32) -> Option<Vec<f64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, numbers) = text.rsplit_once(')')?;
    Some(numbers.split_whitespace().map(|word| word.parse().unwrap_or(0.0)).collect())
}

/// CPU seconds of one process.
pub fn of_process(pid: u32) -> f64 {
    stat(pid).map_or(0.0, |numbers| (numbers[11] + numbers[12]) / TICKS)
}

/// CPU seconds of a process and its children, also of those that have ended.
pub fn of_family(pid: u32) -> f64 {
    let own = stat(pid).map_or(0.0, |numbers| numbers[11..15].iter().sum::<f64>() / TICKS);
    let children: f64 = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|child| stat(*child).is_some_and(|numbers| numbers[1].to_bits() == f64::from(pid).to_bits()))
        .map(of_process)
        .sum();
    own + children
}

fn status_mib(pid: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Resident memory now.
pub fn resident_mib(pid: u32) -> f64 {
    status_mib(pid, "VmRSS:")
}

/// Resident memory at its highest since [`forget_peak`].
pub fn peak_mib(pid: u32) -> f64 {
    status_mib(pid, "VmHWM:")
}

/// Starts the peak anew.
pub fn forget_peak(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}
