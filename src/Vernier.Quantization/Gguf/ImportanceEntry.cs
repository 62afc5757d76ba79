namespace Vernier.Quantization.Gguf;

/// <summary>An entry of an importance matrix.</summary>
/// <param name="Name">The name of the tensor in a GGUF file.</param>
/// <param name="Values">A number for each input channel, none negative; all 1 where there is no data, none for several experts.</param>
/// <param name="Experts">The matrices that the tensor consists of; 1 but for mixtures of experts.</param>
/// <param name="HasData">Whether anything was observed.</param>
internal sealed record ImportanceEntry(string Name, float[] Values, int Experts, bool HasData);
