using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Packing.Scalar;

namespace Vernier.Packing.Configuration;

/// <summary>
/// The <c>quantization_config</c> of a model folder's config.json: which matrices are packed, and how.
/// <code>
/// "quantization_config": {
///   "quant_method": "vernier", "format": 1, "recipe": "nupes-datafree",
///   "tensors": { "model.layers.0.mlp.up_proj.weight": { "shape": [768, 256], "bits": 4, "group": 64 }, ... }
/// }
/// </code>
/// Each <see cref="PackedLayout"/> has keys of its own; docs/formats/packed.md lists them.
/// </summary>
/// <param name="recipe">The recipe that made it.</param>
/// <param name="tensors">The packed matrices by name.</param>
public sealed class QuantizationConfig(string recipe, IReadOnlyDictionary<string, PackedLayout> tensors)
{
    /// <summary>The value of <c>quant_method</c>.</summary>
    public const string Method = "vernier";

    /// <summary>The format that this version writes and reads.</summary>
    public const int Format = 1;

    /// <summary>The recipe that made it.</summary>
    public string Recipe { get; } = recipe;

    /// <summary>The packed matrices by name.</summary>
    public IReadOnlyDictionary<string, PackedLayout> Tensors { get; } = tensors;

    /// <summary>The object to put in config.json.</summary>
    public JsonObject ToJson()
    {
        var entries = new JsonObject();
        foreach ((string name, PackedLayout layout) in Tensors)
        {
            var entry = new JsonObject { ["shape"] = new JsonArray(layout.Rows, layout.Columns) };
            if (layout.Kind != ScalarLayout.Name)
                entry["layout"] = layout.Kind;
            layout.Describe(entry);
            if (layout.Outliers > 0)
                entry["outliers"] = layout.Outliers;
            if (layout.OutlierColumns > 0)
                entry["outlier_columns"] = layout.OutlierColumns;
            if (layout.OutlierSource is ElementType source)
                entry["outlier_type"] = source.ToString();
            if (layout.Rank > 0)
                entry["rank"] = layout.Rank;
            entries[name] = entry;
        }
        return new JsonObject { ["quant_method"] = Method, ["format"] = Format, ["recipe"] = Recipe, ["tensors"] = entries };
    }

    /// <summary>Reads the object; null where config.json has none.</summary>
    /// <param name="config">The root of config.json.</param>
    /// <param name="path">The path of config.json, for messages.</param>
    /// <exception cref="InvalidFileException">It is not ours, of a later format, or malformed.</exception>
    public static QuantizationConfig? Read(JsonElement config, string path)
    {
        if (config.ValueKind != JsonValueKind.Object || !config.TryGetProperty("quantization_config", out JsonElement root)
            || root.ValueKind == JsonValueKind.Null)
            return null;
        if (root.ValueKind != JsonValueKind.Object)
            throw Invalid(path, "quantization-config", "quantization_config is not an object");
        string? method = root.TryGetProperty("quant_method", out JsonElement m) && m.ValueKind == JsonValueKind.String ? m.GetString()
            : null;
        if (method != Method)
            throw new InvalidFileException(path, "quantization-method",
                $"the model is quantized by {QuantizationTools.NameOf("quantization_config", root)}", QuantizationTools.Remedy);
        if (!root.TryGetProperty("format", out JsonElement f) || f.ValueKind != JsonValueKind.Number || !f.TryGetInt32(out int format)
            || format != Format)
            throw new InvalidFileException(path, "quantization-format", $"the format of quantization_config is not {Format}",
                "Use the version of Vernier that wrote the model, or a later one");
        if (!root.TryGetProperty("tensors", out JsonElement list) || list.ValueKind != JsonValueKind.Object)
            throw Invalid(path, "quantization-tensors", "quantization_config has no object 'tensors'");
        string recipe = root.TryGetProperty("recipe", out JsonElement r) && r.ValueKind == JsonValueKind.String ? r.GetString()! : "";
        var tensors = new Dictionary<string, PackedLayout>(StringComparer.Ordinal);
        foreach (JsonProperty entry in list.EnumerateObject())
        {
            if (!tensors.TryAdd(entry.Name, Read(new LayoutEntry(entry, path))))
                throw Invalid(path, "quantization-tensors", "the tensor is listed twice", entry.Name);
        }
        return new QuantizationConfig(recipe, tensors);
    }

    private static PackedLayout Read(LayoutEntry entry)
    {
        PackedLayout layout = PackedLayouts.Read(entry);
        int outliers = entry.Integer("outliers", 1, (int)Math.Min(int.MaxValue, (long)layout.Rows * layout.Columns), 0),
            columns = entry.Integer("outlier_columns", 1, layout.Columns, 0);
        if (outliers > 0 && columns > 0)
            throw entry.Invalid("it has both 'outliers' and 'outlier_columns'");
        ElementType? source = entry.Text("outlier_type", "") switch
        {
            "" => null,
            nameof(ElementType.F16) => ElementType.F16,
            nameof(ElementType.BF16) => ElementType.BF16,
            nameof(ElementType.F32) => ElementType.F32,
            string other => throw entry.Invalid($"the type of outliers '{other}' is not F16, BF16 or F32"),
        };
        if (source is not null && outliers + columns == 0)
            throw entry.Invalid("it has an 'outlier_type' and no outliers");
        return layout with { OutlierSource = source, Outliers = outliers, OutlierColumns = columns,
            Rank = entry.Integer("rank", 1, Math.Min(layout.Rows, layout.Columns), 0) };
    }

    private static InvalidFileException Invalid(string path, string rule, string problem, string? tensor = null) =>
        new(path, rule, problem, "Quantize the model again", tensor);
}
