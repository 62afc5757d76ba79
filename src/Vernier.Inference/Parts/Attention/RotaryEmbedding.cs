using Vernier.Inference.Configuration;

namespace Vernier.Inference.Parts.Attention;

/// <summary>
/// The rotary position embedding of a model (Su et al., 2021), which its layers share. The angles are computed as far as they are
/// needed and stay; passes on several threads can share them.
/// </summary>
public sealed class RotaryEmbedding
{
    private readonly RopeConfig _rope;
    private readonly RotaryAngles _short;
    private readonly RotaryAngles _long;

    // Of dynamic scaling, for the length that was asked for last.
    private Stretched? _stretched;

    /// <summary>Prepares the frequencies.</summary>
    /// <param name="rope">What the configuration says.</param>
    public RotaryEmbedding(RopeConfig rope)
    {
        ArgumentNullException.ThrowIfNull(rope);
        _rope = rope;
        _short = new RotaryAngles(rope, longContext: false);
        _long = rope.Scaling == RopeScaling.LongRope ? new RotaryAngles(rope, longContext: true) : _short;
    }

    /// <summary>The angles for a sequence: LongRoPE has others for those that will be long, dynamic scaling for each length beyond the
    /// original context.</summary>
    /// <param name="reach">The most tokens that it will ever have.</param>
    /// <param name="length">The tokens that it has.</param>
    internal RotaryAngles Angles(int reach, int length = 0)
    {
        if (_rope.Scaling == RopeScaling.Dynamic && length > _rope.OriginalMaxPositions)
        {
            Stretched? last = Volatile.Read(ref _stretched);
            if (last is null || last.Length != length)
            {
                last = new Stretched(length, new RotaryAngles(_rope, longContext: false, length));
                last.Angles.Ensure(length, null);
                Volatile.Write(ref _stretched, last);
            }
            return last.Angles;
        }
        return _rope.Scaling == RopeScaling.LongRope && reach > _rope.OriginalMaxPositions ? _long : _short;
    }

    private sealed record Stretched(int Length, RotaryAngles Angles);
}
