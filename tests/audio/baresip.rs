//! A baresip without a sound card: it says a file, and writes into another what it hears.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use crate::support::{Log, free_udp_address};

/// Whether there is one; where there is none, that is said aloud.
pub(crate) fn is_installed() -> bool {
    let found = Command::new("baresip").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        eprintln!("skipped: baresip is not installed (package baresip-core; tests/run installs it)");
    }
    found.is_ok()
}

/// Dropping it ends it.
pub(crate) struct Baresip {
    folder: tempfile::TempDir,
    sip: SocketAddr,
    log: Log,
    running: Option<(Child, JoinHandle<()>)>,
}

impl Baresip {
    /// One that encrypts as `encryption` says, in the words of its own configuration, and says these samples once it is in a call.
    pub(crate) fn new(encryption: &str, says: &[i16]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sip = free_udp_address();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("says.wav"), wave(says)).unwrap();
        fs::create_dir(at("heard")).unwrap();
        let modules = MODULES.map(|name| format!("module {name}.so\n"));
        let config = format!(
            "sip_listen {sip}\nnet_interface 127.0.0.1\nrtp_ports 10000-19999\nmodule_path {FOLDER}\n\
             audio_source aufile,{}\naudio_player aubridge,nobody\naudio_alert aubridge,nobody\nsnd_path {}\n{}\
             module_app account.so\nmodule_app menu.so\n",
            at("says.wav").display(),
            at("heard").display(),
            modules.concat(),
        );
        fs::write(at("config"), config).unwrap();
        fs::write(at("contacts"), "").unwrap();
        let secure = if encryption.is_empty() { String::new() } else { format!(";mediaenc={encryption}") };
        let account = format!("<sip:100@{sip}>;regint=0;audio_codecs=PCMU;answermode=auto{secure}\n");
        fs::write(at("accounts"), account).unwrap();
        Self { folder, sip, log: Log::default(), running: None }
    }

    /// Where it is called.
    pub(crate) fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// Takes calls; returns when it does.
    pub(crate) fn wait(&mut self) {
        self.start(&[]);
        self.log.wait("baresip is ready");
    }

    /// Calls that number. When it has said all, it ends the call.
    pub(crate) fn call(&mut self, number: &str, daemon: SocketAddr) {
        self.start(&["-e", &format!("/dial sip:{number}@{daemon}")]);
    }

    /// Ends it, and the call that it is in; what it has heard.
    pub(crate) fn heard(&mut self) -> Vec<i16> {
        self.stop();
        let files =
            fs::read_dir(self.folder.path().join("heard")).unwrap().map(|entry| entry.unwrap().path());
        let mut heard = files.filter(|path| path.to_string_lossy().ends_with("-dec.wav"));
        let file = heard.next().unwrap_or_else(|| panic!("it has heard nothing: {}", self.log.text()));
        let bytes = fs::read(file).unwrap();
        let (samples, _) = bytes.get(WAVE_HEADER..).unwrap_or_default().as_chunks();
        samples.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
    }

    fn start(&mut self, arguments: &[&str]) {
        let mut command = Command::new("baresip");
        command.arg("-f").arg(self.folder.path()).arg("-s").args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let log = self.log.clone();
        let logging = std::thread::spawn(move || log.follow(said.lines().map_while(Result::ok)));
        self.running = Some((child, logging));
    }

    fn stop(&mut self) {
        let Some((mut child, logging)) = self.running.take() else { return };
        Command::new("kill").arg(child.id().to_string()).status().unwrap();
        child.wait().unwrap();
        logging.join().unwrap();
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A file of 16 bits a sample.
fn wave(samples: &[i16]) -> Vec<u8> {
    let data = u32::try_from(samples.len() * 2).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(RATE.to_le_bytes());
    file.extend((2 * RATE).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(data.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

const RATE: u32 = 8_000;
/// Bytes of the header of a wave file without further chunks.
const WAVE_HEADER: usize = 44;
const MODULES: [&str; 5] = ["g711", "aubridge", "aufile", "sndfile", "srtp"];
/// Where Debian's package has them.
const FOLDER: &str = "/usr/lib/baresip/modules";
