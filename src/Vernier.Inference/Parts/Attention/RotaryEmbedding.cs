using Vernier.Inference.Configuration;

namespace Vernier.Inference.Parts.Attention;

/// <summary>
/// The rotary position embedding of a model (Su et al., 2021), which its layers share. The angles are computed as far as they are
/// needed and stay; passes on several threads can share them.
/// </summary>
public sealed class RotaryEmbedding
{
    private readonly int _longFrom;
    private readonly RotaryAngles _short;
    private readonly RotaryAngles _long;

    /// <summary>Prepares the frequencies.</summary>
    /// <param name="rope">What the configuration says.</param>
    public RotaryEmbedding(RopeConfig rope)
    {
        ArgumentNullException.ThrowIfNull(rope);
        _longFrom = rope.OriginalMaxPositions;
        _short = new RotaryAngles(rope, longContext: false);
        _long = rope.Scaling == RopeScaling.LongRope ? new RotaryAngles(rope, longContext: true) : _short;
    }

    /// <summary>The angles for a sequence that will have so many tokens: LongRoPE has others for long contexts.</summary>
    internal RotaryAngles Angles(int reach) => reach > _longFrom ? _long : _short;
}
