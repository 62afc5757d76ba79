using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Inference.Parts;

/// <summary>Linear layers that have the same input: query, key and value; gate and up.</summary>
public sealed class LinearGroup
{
    /// <summary>The most layers of one group.</summary>
    public const int MostLayers = 4;

    // What the integer kernels multiply at once.
    private const int MostTogether = 3;

    private readonly LinearSlot[] _slots;

    // The layers, where all run on integer kernels that multiply several matrices at once.
    private PackedLinear[]? _together;

    /// <summary>Makes a group.</summary>
    /// <param name="slots">One to three places with layers of as many inputs, none of them in a group yet.</param>
    /// <exception cref="ArgumentException">They are too many, none, have different inputs, or are in a group.</exception>
    public LinearGroup(params IReadOnlyList<LinearSlot> slots)
    {
        ArgumentNullException.ThrowIfNull(slots);
        if (slots.Count is < 1 or > MostLayers)
            throw new ArgumentException($"a group has one to {MostLayers} layers, not {slots.Count}", nameof(slots));
        foreach (LinearSlot slot in slots)
        {
            if (slot.Inputs != slots[0].Inputs)
                throw new ArgumentException(
                    $"{slot.Name} has {slot.Inputs} inputs, and {slots[0].Name}, which shares them, {slots[0].Inputs}", nameof(slots));
            if (slots.Count(other => other == slot) > 1)
                throw new ArgumentException($"{slot.Name} is in the group twice", nameof(slots));
            if (slot.Group is not null)
                throw new ArgumentException($"{slot.Name} is in another group", nameof(slots));
        }
        _slots = [.. slots];
        foreach (LinearSlot slot in _slots)
            slot.Group = this;
        Refresh();
    }

    /// <summary>The places, in the order in which the layers are applied.</summary>
    public IReadOnlyList<LinearSlot> Slots => _slots;

    /// <summary>The inputs that they share.</summary>
    public int Inputs => _slots[0].Inputs;

    /// <summary>Applies all layers to the same rows.</summary>
    /// <param name="x">rows x <see cref="Inputs"/>.</param>
    /// <param name="outputs">An array for each layer, which receives rows x its outputs at its beginning.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="workers">The threads that work.</param>
    public void Apply(ReadOnlySpan<float> x, ReadOnlySpan<float[]> outputs, int rows, Workers workers)
    {
        if (_together is PackedLinear[] packed)
        {
            PackedLinear.Apply(packed, x, outputs, rows, workers);
            return;
        }
        for (int i = 0; i < _slots.Length; i++)
            _slots[i].Layer.Apply(x, outputs[i].AsSpan(0, rows * _slots[i].Outputs), rows, workers);
    }

    /// <summary>Looks at the layers again after one was replaced.</summary>
    internal void Refresh()
    {
        PackedLinear[] packed = [.. _slots.Select(slot => slot.Layer).OfType<PackedLinear>().Where(linear => linear.SharesInput)];
        _together = packed.Length is > 1 and <= MostTogether && packed.Length == _slots.Length ? packed : null;
    }
}
