# The daily commands. `just` lists them; `cargo install just`, or your system's package, installs it.

_list:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted

# Run the server and restart it on each change (cargo install --locked watchexec-cli)
dev *ARGS:
    watchexec --restart --watch src --watch migrations --watch Cargo.toml --stop-timeout 15s -- cargo run -- {{ ARGS }}

# Run a command of the program: `just run store list`
run *ARGS:
    cargo run --release -- {{ ARGS }}

# All tests, or those whose name contains NAME
test *NAME:
    cargo test {{ NAME }}

# Format and lint
check:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# After a change of a query or a migration
queries:
    .ci/prepare-queries

# After a wanted change of the API
openapi:
    INSTA_UPDATE=always cargo test --test api -- openapi::

# The types of the pages, and their tests in a browser
pages:
    .ci/browser

# All checks of CI
gates:
    .ci/run

# Write stores, menus and past orders into the server's database
seed *ARGS:
    cargo run --release -p tableorder-loadtest -- seed {{ ARGS }}

# The benchmarks
bench *ARGS:
    cargo build --release
    cargo run --release -p tableorder-loadtest -- bench {{ ARGS }}

# The load of many restaurants at dinner time
peak *ARGS:
    cargo build --release
    cargo run --release -p tableorder-loadtest -- peak {{ ARGS }}

# The long chaos test: no event is lost or delivered twice (takes minutes)
chaos:
    cargo test --release --test chaos a_long_chaos -- --ignored --nocapture

# The long rolling upgrade behind nginx: no request fails (apt install nginx-light)
rolling-upgrade:
    cargo test --release --test chaos rolling -- --ignored --nocapture

# The container image
image:
    docker build -t tableorder .
