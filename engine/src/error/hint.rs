//! What may help against an error.

use nearsay_models::HubSetting;

use super::{Error, Phrase, Setting, phrase};

impl Error {
    /// The remedy, if one is known. A face of the library that lacks some of the settings prints the alternative of
    /// [`Phrase::among`].
    pub fn hint(&self) -> Option<Phrase> {
        use Setting::{
            Align, Append, Device, JsonColumn, MaxLength, OnLong, OutputType, Overwrite, Precision, Resume,
        };
        let or_cpu = || phrase![", or run with ", (Device, "cpu")];
        const CLOSE: &str = "close other programs on the device";
        let less_memory = || phrase!["use ", (Precision, "f16"), ", ", CLOSE].and(or_cpu());
        Some(match self {
            Self::Usage { hint, .. } | Self::CannotCreate { hint, .. } => hint.clone()?,
            Self::IdsDiffer { .. } => phrase![
                "pair the rows by id with ",
                (Align, "ids"),
                ", or by position, whatever their ids, with ",
                (Align, "rows")
            ],
            Self::Hinted { hint, .. } => hint.clone(),
            Self::OfText { error, .. } => return error.hint(),
            Self::RequestTooLarge { .. } => "send the texts in several requests".into(),
            Self::QueueFull { retry_after, .. } | Self::WaitTooLong { retry_after, .. } => {
                format!("try again in {retry_after} s").into()
            }
            Self::LengthTooShort { .. } => phrase!["raise ", MaxLength],
            Self::TextTooLong { .. } => {
                phrase!["cut such texts with ", (OnLong, "truncate"), " or ", (OnLong, "chunk")]
            }
            Self::ColumnType { .. } => phrase![
                "write the column as JSON text with ",
                JsonColumn,
                ", or write .jsonl, whose columns need no type"
            ],
            Self::Busy { .. } => "wait for it to end, or name another folder".into(),
            Self::OtherJob { field, .. } if field == "instruction set" => phrase![
                "set NEARSAY_ISA to the one that it was started with, or pass ",
                Overwrite,
                " to start over"
            ],
            Self::OtherJob { .. } => phrase![
                "resume it with the settings that it was started with, name another folder, or pass ",
                Overwrite,
                " to start over"
            ],
            Self::OtherReading { .. } => phrase![
                "finish it with the version that started it, name another folder, or pass ",
                Overwrite,
                " to start over"
            ],
            Self::DamagedJob { .. } => {
                let again = "restore a manifest from a backup, or embed the texts again with ";
                phrase![again, Overwrite].of_earlier_step()
            }
            Self::OtherInput { .. } => {
                phrase!["restore the old input, name another folder, or pass ", Overwrite, " to start over"]
            }
            Self::GrownInput { .. } => phrase![
                "pass ",
                Append,
                " to embed the rows after these too, restore the old input, or pass ",
                Overwrite,
                " to start over"
            ],
            Self::Model(error) => return of_model(error),
            Self::Device { reason, .. } => match reason.hint() {
                Some(hint) => Phrase::from(hint).and(or_cpu()),
                None => phrase!["run with ", (Device, "cpu")],
            },
            Self::NoGpu { .. } => phrase!["run on the CPU with ", (Precision, "f32"), " or bf16"],
            Self::NoRoomForText { .. } => {
                phrase!["cut texts with ", MaxLength, ", "].and(less_memory()).or(less_memory().or(CLOSE))
            }
            Self::DeviceMemory { .. } => less_memory().or(CLOSE),
            Self::DeviceLost { .. } => {
                phrase!["shards that are complete are kept: run again, a job with ", Resume].or("run again")
            }
            Self::BeyondOutputType { .. } => phrase!["write the vectors with ", (OutputType, "f32")],
            Self::NonFinite { .. } => {
                let broken = "if that does not help, the model's weights are broken";
                phrase!["the largest f16 is 65504: try ", (Precision, "bf16"), " or f32; ", broken]
                    .or("the model's weights may be broken")
            }
            _ => return None,
        })
    }
}

fn of_model(error: &nearsay_models::Error) -> Option<Phrase> {
    match error.setting() {
        Some(HubSetting::FollowLinks) => {
            Some(phrase!["pass ", Setting::FollowLinks, " if you trust where the link leads"])
        }
        Some(HubSetting::Offline) => Some(phrase![
            "the hub was not asked, since this run is offline: unset HF_HUB_OFFLINE or drop ",
            Setting::Offline
        ]),
        _ => error.hint().map(Phrase::from),
    }
}
