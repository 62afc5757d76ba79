using Vernier.Packing;

namespace Vernier.Quantization.Networks;

/// <summary>
/// A network as calibration and the pipeline see it: stages that are in memory one at a time, and samples that wait in front of one of
/// them. The same samples are cut into
/// the same batches on every machine, whatever the memory.
/// </summary>
internal interface INetwork : IDisposable
{
    /// <summary>Its layers.</summary>
    NetworkShape Shape { get; }

    /// <summary>The number of batches of samples.</summary>
    int Batches { get; }

    /// <summary>The most rows that one group of layers sees of all samples.</summary>
    long Rows { get; }

    /// <summary>Puts a quantized table in the place of one that turns samples into activations, before <see cref="Begin"/>.</summary>
    /// <param name="name">One of <see cref="NetworkShape.Tables"/>.</param>
    /// <param name="table">The table, of the same shape.</param>
    void ReplaceTable(string name, PackedMatrix table);

    /// <summary>Brings the samples in front of the first stage.</summary>
    /// <param name="file">The file that holds their activations, removed at the end; null to hold them in memory.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="IOException">The file can't be made, or the disk has no room.</exception>
    void Begin(string? file = null, CancellationToken cancellation = default);

    /// <summary>Loads a stage with the weights that it came with.</summary>
    /// <param name="stage">From 0.</param>
    /// <exception cref="Vernier.Errors.InvalidFileException">A tensor is missing or has another shape.</exception>
    INetworkStage Load(int stage);
}
