using System.Text.Json.Serialization;

namespace Vernier.Levels;

/// <summary>The numbers that a scale can be, and how it is stored.</summary>
public enum ScaleFormat
{
    /// <summary>Half precision, 2 bytes.</summary>
    Half,

    /// <summary>A power of two, 2^(byte - 127): OCP E8M0, 1 byte. Those from 2^-24 to 2^15, which half precision holds too; not
    /// 0.</summary>
    [JsonStringEnumMemberName("e8m0")]
    E8M0,

    /// <summary>OCP FP8 E4M3 without its sign, 1 byte: 0 to 448.</summary>
    [JsonStringEnumMemberName("e4m3")]
    E4M3,
}
