using Vernier.Inference.Passes;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>What a recurrent mixer keeps of a sequence, of one size whatever its length: the last inputs of a convolution, and a
/// state.</summary>
/// <param name="Channels">The channels of the convolution.</param>
/// <param name="Inputs">How many inputs of each channel are kept.</param>
/// <param name="State">The numbers of the state.</param>
public sealed record RecurrentShape(int Channels, int Inputs, int State) : LayerStateShape
{
    /// <inheritdoc/>
    public override LayerState Create(CachePrecision precision) => new RecurrentState(checked(Channels * Inputs), State);
}

/// <summary>
/// The last inputs of a convolution and a state, twice: as they are behind the last pass, and as a pass that is not committed has left
/// them.
/// </summary>
internal sealed class RecurrentState(int inputs, int state) : LayerState
{
    private float[] _inputs = [], _state = [], _nextInputs = [], _nextState = [];
    private int _tokens;

    /// <summary>Begins a pass: copies what is behind the sequence.</summary>
    /// <returns>The inputs, oldest first, and the state; both are to be changed in place.</returns>
    public (float[] Inputs, float[] State) Begin()
    {
        _inputs.CopyTo(_nextInputs, 0);
        _state.CopyTo(_nextState, 0);
        return (_nextInputs, _nextState);
    }

    /// <inheritdoc/>
    public override long BytesFor(int tokens) => 2L * sizeof(float) * (inputs + state);

    /// <inheritdoc/>
    public override void Reserve(int tokens)
    {
        if (_state.Length == state && _inputs.Length == inputs)
            return;
        (_inputs, _state, _nextInputs, _nextState) = (new float[inputs], new float[state], new float[inputs], new float[state]);
    }

    /// <inheritdoc/>
    public override void Commit(int tokens)
    {
        (_inputs, _nextInputs) = (_nextInputs, _inputs);
        (_state, _nextState) = (_nextState, _state);
        _tokens = tokens;
    }

    /// <inheritdoc/>
    public override bool CanTruncate(int tokens) => tokens == 0 || tokens == _tokens;

    /// <inheritdoc/>
    public override void Truncate(int tokens)
    {
        if (tokens > 0)
            return;
        Array.Clear(_inputs);
        Array.Clear(_state);
        _tokens = 0;
    }
}
