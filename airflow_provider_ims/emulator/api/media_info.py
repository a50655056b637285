"""The metadata of a media file and its streams, which jobs return for their input and output files."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.model import VIDEO_SECONDS, Fields, JobView

WIDTH, HEIGHT = 1280, 720

_CODEC = {"CodecLongName": "AAC (Advanced Audio Coding)", "CodecName": "aac", "CodecTimeBase": "1/44100"}
_AUDIO = {
    **_CODEC,
    "Bitrate": "128.0",
    "ChannelLayout": "stereo",
    "Channels": "2",
    "CodecTag": "0x6134706d",
    "Duration": str(VIDEO_SECONDS),
    "Index": "1",
    "Lang": "und",
    "SampleFmt": "fltp",
    "StartTime": "0.000000",
    "Timebase": "1/44100",
}
_VIDEO = {
    "Dar": "16:9",
    "Duration": str(VIDEO_SECONDS),
    "Fps": "25.0",
    "Height": str(HEIGHT),
    "Index": "0",
    "Lang": "und",
    "Level": "31",
    "PixFmt": "yuv420p",
    "Profile": "High",
    "Sar": "1:1",
    "Width": str(WIDTH),
}
_H264 = "H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10"

#: The streams with the field names of IMS, whose spelling differs between audio and video.
STREAMS: Fields = {
    "AudioStreamInfoList": [{**_AUDIO, "CodecTagString": "mp4a", "SampleRate": "44100"}],
    "VideoStreamInfoList": [
        {
            **_VIDEO,
            "Avg_fps": "25.0",
            "Bit_rate": "880.5",
            "Codec_long_name": _H264,
            "Codec_name": "h264",
            "Codec_tag": "0x31637661",
            "Codec_tag_string": "avc1",
            "Codec_time_base": "1/50",
            "Has_b_frames": "2",
            "NumFrames": str(int(VIDEO_SECONDS * 25)),
            "Rotate": "0",
            "Start_time": "0.000000",
            "Time_base": "1/12800",
        }
    ],
}

#: The streams with the field names of VOD.
VOD_AUDIO_STREAM = {**_AUDIO, "CodecTagString": "mp4a", "Samplerate": "44100"}
VOD_VIDEO_STREAM = {
    **_VIDEO,
    "AvgFPS": "25.0",
    "Bitrate": "880.5",
    "CodecLongName": _H264,
    "CodecName": "h264",
    "CodecTag": "0x31637661",
    "CodecTagString": "avc1",
    "CodecTimeBase": "1/50",
    "HasBFrames": "2",
    "StartTime": "0.000000",
    "Timebase": "1/12800",
}


def media_info(view: JobView, url: str, media_id: str, file_type: str) -> Fields:
    """
    Return the metadata of a file, with the field names of IMS.

    :param view: The job that returns the metadata.
    :param url: The URL of the file.
    :param media_id: The id of the media asset that contains the file.
    :param file_type: ``source_file`` or ``transcode_file``.
    """
    name = url.rpartition("/")[2]
    basic = {
        "Bitrate": "1008.688",
        "Duration": str(VIDEO_SECONDS),
        "FileName": name,
        "FileSize": "1891290",
        "FileStatus": "Normal",
        "FileType": file_type,
        "FileUrl": url,
        "FormatName": name.rpartition(".")[2] or "mp4",
        "Height": str(HEIGHT),
        "MediaId": media_id,
        "Region": view.region,
        "Width": str(WIDTH),
    }
    return {"FileBasicInfo": basic, **STREAMS}
