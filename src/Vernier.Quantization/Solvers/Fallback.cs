using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vernier.Quantization.Solvers;

/// <summary>Why a matrix was not solved as the recipe says, and something sound was done instead.</summary>
/// <param name="Reason">The reason, a name that stays.</param>
/// <param name="Message">What happened, for people.</param>
[JsonConverter(typeof(MessageConverter))]
public sealed record Fallback(string Reason, string Message)
{
    /// <summary>Nothing was observed: the nearest on the grid was taken.</summary>
    public static Fallback NoData { get; } = new("no-data", "no data: its inputs were zero on all tokens, or there were none");

    /// <summary>The Gram matrix can't be factored: the nearest on the grid was taken.</summary>
    public static Fallback NotFactored { get; } = new("not-factored", "its Gram matrix can't be factored with any damping");

    /// <summary>The weights could not be moved towards the network's outputs: the layer's own outputs were the target.</summary>
    public static Fallback OwnTarget { get; } =
        new("own-target", "its Gram matrix can't be factored: its own weights were the target in place of the network's");

    /// <inheritdoc/>
    public override string ToString() => Message;

    /// <summary>In files a fallback is its message.</summary>
    internal sealed class MessageConverter : JsonConverter<Fallback>
    {
        /// <inheritdoc/>
        public override Fallback Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            string message = reader.GetString()!;
            return Array.Find([NoData, NotFactored, OwnTarget], known => known.Message == message) ?? new Fallback("other", message);
        }

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, Fallback value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Message);
    }
}
