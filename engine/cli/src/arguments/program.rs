//! The sections after the options of `nearsay` itself.

pub(super) const HELP: &str = "\
Examples:
  # one vector per line of a file
  nearsay embed faq.txt -m sentence-transformers/all-MiniLM-L6-v2 -o faq.parquet
  # BERTScore of a system's output
  nearsay score -c system.txt -r reference.txt --lang en
  # the texts nearest to a question
  nearsay search faq.parquet refunds
  # every option of a command
  nearsay help embed

Environment (an empty variable counts as unset):
  NEARSAY_MODEL           the default of -m for every command but eval rag;
                          search uses the recorded model
  NEARSAY_API_KEY         a key that clients of `serve` must have
  NEARSAY_ISA             a lower instruction set: portable, avx2, avx512, ..
  NEARSAY_COMPOSED        1 composes operations from candle's, for bug reports
  NEARSAY_CUDA_LIBRARIES  folders with NVIDIA's libraries
  CUDA_HOME, CUDA_PATH    the CUDA toolkit, if its libraries are not found
  HF_HUB_OFFLINE          1 is the same as --offline
  TRANSFORMERS_OFFLINE    the same
  HF_TOKEN                token for the hub
  HUGGING_FACE_HUB_TOKEN  its older name
  HF_HUB_DISABLE_IMPLICIT_TOKEN  1 sends no token
  HF_TOKEN_PATH           file with the token [default: token in HF_HOME]
  HF_ENDPOINT             address of the hub [default: https://huggingface.co]
  HF_HUB_CACHE            folder of downloaded models [default: hub in HF_HOME]
  HUGGINGFACE_HUB_CACHE   its older name
  HF_HOME                 [default: huggingface in XDG_CACHE_HOME]
  XDG_CACHE_HOME          [default: ~/.cache]
  HOME, USERPROFILE       the home folder
  NO_COLOR                no colors
  CLICOLOR_FORCE          1 colors pipes and files too
  TERM                    dumb: no colors and no bars
  COLUMNS                 width of this help, if not on a terminal
  TMPDIR                  folder for temporary files [default: /tmp]

Exit codes:
   0  done
   1  the command worked, but its check failed
   2  usage
  65  bad data
  66  no input
  69  device or network address not available
  70  internal error (please report it)
  73  output cannot be created
  74  input/output error
  75  folder in use or GPU memory full: try again later
  78  bad model or configuration
 129, 130, 143  interrupted";
