using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files;

namespace Vernier.Packing;

/// <summary>
/// The <c>quantization_config</c> of a model folder's config.json: which matrices are packed, and how.
/// <code>
/// "quantization_config": {
///   "quant_method": "vernier", "format": 1, "recipe": "nupes-datafree",
///   "tensors": { "model.layers.0.mlp.up_proj.weight": { "shape": [768, 256], "bits": 4, "group": 64 }, ... }
/// }
/// </code>
/// <c>group</c> is as in <see cref="Granularity.GroupColumns"/>. Where they differ from the usual, a tensor also has
/// <c>rows_per_grid</c>, <c>tables</c>, <c>wide_levels</c>, <c>zero_points</c>, and <c>outliers</c> or <c>outlier_columns</c>.
/// </summary>
/// <param name="Recipe">The recipe that made it.</param>
/// <param name="Tensors">The packed matrices by name.</param>
public sealed record QuantizationConfig(string Recipe, IReadOnlyDictionary<string, PackedTensorSpec> Tensors)
{
    /// <summary>The value of <c>quant_method</c>.</summary>
    public const string Method = "vernier";

    /// <summary>The format that this version writes and reads.</summary>
    public const int Format = 1;

    /// <summary>The object to put in config.json.</summary>
    public JsonObject ToJson()
    {
        var tensors = new JsonObject();
        foreach ((string name, PackedTensorSpec spec) in Tensors)
        {
            var entry = new JsonObject { ["shape"] = new JsonArray(spec.Rows, spec.Columns), ["bits"] = spec.Bits, ["group"] = spec.Granularity.GroupColumns };
            if (spec.RowsPerGrid != spec.Rows)
                entry["rows_per_grid"] = spec.RowsPerGrid;
            if (spec.Tables != 1)
                entry["tables"] = spec.Tables;
            if (spec.WideLevels)
                entry["wide_levels"] = true;
            if (spec.ZeroPoints)
                entry["zero_points"] = true;
            if (spec.Outliers > 0)
                entry["outliers"] = spec.Outliers;
            if (spec.OutlierColumns > 0)
                entry["outlier_columns"] = spec.OutlierColumns;
            tensors[name] = entry;
        }
        return new JsonObject { ["quant_method"] = Method, ["format"] = Format, ["recipe"] = Recipe, ["tensors"] = tensors };
    }

    /// <summary>Reads the object; null where config.json has none.</summary>
    /// <param name="config">The root of config.json.</param>
    /// <param name="path">The path of config.json, for messages.</param>
    /// <exception cref="InvalidFileException">It is not ours, of a later format, or malformed.</exception>
    public static QuantizationConfig? Read(JsonElement config, string path)
    {
        if (config.ValueKind != JsonValueKind.Object || !config.TryGetProperty("quantization_config", out JsonElement root) || root.ValueKind == JsonValueKind.Null)
            return null;
        if (root.ValueKind != JsonValueKind.Object)
            throw Invalid(path, "quantization-config", "quantization_config is not an object");
        string? method = root.TryGetProperty("quant_method", out JsonElement m) && m.ValueKind == JsonValueKind.String ? m.GetString() : null;
        if (method != Method)
            throw new InvalidFileException(path, "quantization-method", $"the model is quantized by '{method ?? "an unnamed method"}'", "Give the original model, or one that Vernier quantized");
        if (!root.TryGetProperty("format", out JsonElement f) || f.ValueKind != JsonValueKind.Number || !f.TryGetInt32(out int format) || format != Format)
            throw new InvalidFileException(path, "quantization-format", $"the format of quantization_config is not {Format}", "Use the version of Vernier that wrote the model, or a later one");
        if (!root.TryGetProperty("tensors", out JsonElement list) || list.ValueKind != JsonValueKind.Object)
            throw Invalid(path, "quantization-tensors", "quantization_config has no object 'tensors'");
        string recipe = root.TryGetProperty("recipe", out JsonElement r) && r.ValueKind == JsonValueKind.String ? r.GetString()! : "";
        var tensors = new Dictionary<string, PackedTensorSpec>(StringComparer.Ordinal);
        foreach (JsonProperty entry in list.EnumerateObject())
        {
            if (!tensors.TryAdd(entry.Name, ReadTensor(entry, path)))
                throw Invalid(path, "quantization-tensors", "the tensor is listed twice", entry.Name);
        }
        return new QuantizationConfig(recipe, tensors);
    }

    private static PackedTensorSpec ReadTensor(JsonProperty entry, string path)
    {
        JsonElement value = entry.Value;
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("shape", out JsonElement shape) || shape.ValueKind != JsonValueKind.Array || shape.GetArrayLength() != 2)
            throw Invalid(path, "quantization-tensor", "'shape' is not a list of two sizes", entry.Name);
        int rows = Integer(shape[0], 1, int.MaxValue, "shape"), columns = Integer(shape[1], 1, int.MaxValue, "shape");
        int bits = Integer(Property("bits"), 2, 8, "bits"), group = Integer(Property("group"), -1, int.MaxValue, "group");
        int rowsPerGrid = value.TryGetProperty("rows_per_grid", out JsonElement per) ? Integer(per, 1, rows, "rows_per_grid") : rows;
        int tables = value.TryGetProperty("tables", out JsonElement choices) ? Integer(choices, 1, 8, "tables") : 1;
        if (!int.IsPow2(tables))
            throw Invalid(path, "quantization-tensor", "'tables' is not a power of two", entry.Name);
        int outliers = value.TryGetProperty("outliers", out JsonElement single) ? Integer(single, 1, (int)Math.Min(int.MaxValue, (long)rows * columns), "outliers") : 0;
        int outlierColumns = value.TryGetProperty("outlier_columns", out JsonElement whole) ? Integer(whole, 1, columns, "outlier_columns") : 0;
        if (outliers > 0 && outlierColumns > 0)
            throw Invalid(path, "quantization-tensor", "it has both 'outliers' and 'outlier_columns'", entry.Name);
        return new PackedTensorSpec(rows, columns, bits, new Granularity(group), rowsPerGrid, tables, Flag("wide_levels"), Flag("zero_points")) { Outliers = outliers, OutlierColumns = outlierColumns };

        JsonElement Property(string name) =>
            value.TryGetProperty(name, out JsonElement found) ? found : throw Invalid(path, "quantization-tensor", $"'{name}' is missing", entry.Name);

        bool Flag(string name) => value.TryGetProperty(name, out JsonElement found) && found.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Invalid(path, "quantization-tensor", $"'{name}' is neither true nor false", entry.Name),
        };

        int Integer(JsonElement element, int least, int most, string name) =>
            element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int number) && number >= least && number <= most
                ? number
                : throw Invalid(path, "quantization-tensor", $"'{name}' is not a whole number from {least} to {most}", entry.Name);
    }

    private static InvalidFileException Invalid(string path, string rule, string problem, string? tensor = null) =>
        new(path, rule, problem, "Quantize the model again", tensor);
}
