//! The program `nearsay`.

fn main() -> std::process::ExitCode {
    nearsay_cli::main(std::env::args_os()).into()
}
