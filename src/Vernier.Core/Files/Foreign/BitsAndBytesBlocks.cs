using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Files.Foreign;

/// <summary>
/// A tensor in NF4 or FP4 blocks: w = map[code] absmax[i / blocksize], the first of two codes in the upper half of a byte. The magnitudes
/// may be codes themselves: absmax = nested map[code] nested absmax[block / nested blocksize] + offset.
/// </summary>
internal sealed class BitsAndBytesBlocks : ForeignWeight
{
    private readonly StoredPart _absmax;
    private readonly StoredPart? _nested;
    private readonly float[] _map, _nestedMap;
    private readonly int _block, _nestedBlock;
    private readonly float _offset;

    private BitsAndBytesBlocks(long[] shape, StoredPart codes, StoredPart absmax, StoredPart map, StoredPart state, StoredPart? nested,
        StoredPart? nestedMap, Settings settings)
        : base(codes.Name, shape, codes, absmax, map, state, nested, nestedMap)
    {
        (_absmax, _nested, _map, _nestedMap) = (absmax, nested, map.Numbers(), nestedMap?.Numbers() ?? []);
        (_block, _nestedBlock, _offset) = (settings.Block, settings.NestedBlock, settings.Offset);
    }

    /// <summary>Reads what there is beside the codes.</summary>
    /// <param name="reader">The tensors.</param>
    /// <param name="name">The name of the weight.</param>
    /// <param name="state">The state, a text of JSON.</param>
    public static BitsAndBytesBlocks Read(ForeignReader reader, string name, StoredPart state)
    {
        StoredPart codes = reader.Need(name, 2, ElementType.U8), absmax = reader.Need(name + ".absmax", 1, ElementType.F32, ElementType.U8),
            map = reader.Need(name + ".quant_map", 1, ElementType.F32);
        Settings settings = Parse(state);
        long count = 1;
        foreach (long side in settings.Shape)
            count = side > 0 && side <= 2 * codes.Info.Count / count ? count * side
                : throw Value(state, $"'shape' is not that of {codes.Info.Count} bytes");
        if ((count + 1) / 2 != codes.Info.Count)
            throw ForeignReader.Shape(codes, $"{count} codes take {(count + 1) / 2} bytes");
        long blocks = (count + settings.Block - 1) / settings.Block;
        ForeignReader.Fit(absmax, blocks);
        ForeignReader.Fit(map, 16);
        bool nested = absmax.Type == ElementType.U8;
        if (nested != settings.NestedBlock > 0)
            throw Value(state, nested ? "'nested_blocksize' is missing, and absmax holds codes"
                : "'nested_blocksize' is there, and absmax holds no codes");
        StoredPart? nestedAbsmax = null, nestedMap = null;
        if (nested)
        {
            nestedAbsmax = reader.Need(name + ".nested_absmax", 1, ElementType.F32);
            nestedMap = reader.Need(name + ".nested_quant_map", 1, ElementType.F32);
            ForeignReader.Fit(nestedAbsmax, (blocks + settings.NestedBlock - 1) / settings.NestedBlock);
            ForeignReader.Fit(nestedMap, 256);
        }
        return new BitsAndBytesBlocks(settings.Shape, codes, absmax, map, state, nestedAbsmax, nestedMap, settings);
    }

    /// <inheritdoc/>
    protected override void ReadRow(long row, long column, Span<float> destination)
    {
        long first = row * Info.Shape[^1] + column;
        var bytes = new byte[(first + destination.Length + 1) / 2 - first / 2];
        Codes.Raw(first / 2, bytes);
        long block = -1;
        float scale = 0;
        for (int i = 0; i < destination.Length; i++)
        {
            long index = first + i;
            if (index / _block != block)
                scale = Scale(block = index / _block);
            int pair = bytes[index / 2 - first / 2];
            destination[i] = _map[index % 2 == 0 ? pair >> 4 : pair & 15] * scale;
        }
    }

    private float Scale(long block) => _nested is null ? _absmax.Number(block)
        : _nestedMap[_absmax.Bytes[(int)block]] * _nested.Number(block / _nestedBlock) + _offset;

    private static Settings Parse(StoredPart state)
    {
        try
        {
            using var document = JsonDocument.Parse(state.Bytes.ToArray(), new JsonDocumentOptions { MaxDepth = StrictJson.MaxDepth });
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw Value(state, "it is not an object");
            if (!root.TryGetProperty("shape", out JsonElement shape) || shape.ValueKind != JsonValueKind.Array
                || shape.GetArrayLength() is 0 or > 8
                || !shape.EnumerateArray().All(side => side.ValueKind == JsonValueKind.Number && side.TryGetInt64(out _)))
                throw Value(state, "'shape' is not a list of one to eight integers");
            int nested = Size("nested_blocksize", 0);
            float offset = 0;
            if (nested > 0 && (!root.TryGetProperty("nested_offset", out JsonElement number) || number.ValueKind != JsonValueKind.Number
                || !number.TryGetSingle(out offset) || !float.IsFinite(offset)))
                throw Value(state, "'nested_offset' is not a finite number");
            return new Settings([.. shape.EnumerateArray().Select(side => side.GetInt64())], Size("blocksize", null), nested, offset);

            int Size(string name, int? absent) => !root.TryGetProperty(name, out JsonElement value) && absent is int none ? none
                : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int size) && size > 0 ? size
                : throw Value(state, $"'{name}' is not a size");
        }
        catch (JsonException)
        {
            throw Value(state, "it is no JSON");
        }
    }

    private static InvalidFileException Value(StoredPart state, string problem) =>
        ForeignReader.Error(state, ForeignRules.PartValue, problem);

    private sealed record Settings(long[] Shape, int Block, int NestedBlock, float Offset);
}
