using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Vernier.Errors;

namespace Vernier.Files.Checkpoints;

/// <summary>The file <c>model.safetensors.index.json</c>, which says in which file each tensor of a sharded checkpoint lies.</summary>
internal static class CheckpointIndex
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "model.safetensors.index.json";

    private const string Extension = ".safetensors";
    private const int MostNames = 14;
    private const string Again = "Download the index again";

    private static readonly SearchValues<char> Separators = SearchValues.Create("/\\:*?\"<>|");

    /// <summary>Reads and checks the index of a folder, without looking at the files it names.</summary>
    /// <returns>The file of each tensor, a plain name.</returns>
    /// <exception cref="InvalidFileException">The index breaks a rule.</exception>
    public static Dictionary<string, string> Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        using JsonDocument json = StrictJson.Parse(path, Safetensors.SafetensorsFile.MaxHeaderBytes);
        if (json.RootElement.ValueKind != JsonValueKind.Object
            || !json.RootElement.TryGetProperty("weight_map", out JsonElement map)
            || map.ValueKind != JsonValueKind.Object
            || map.GetPropertyCount() == 0)
        {
            throw new InvalidFileException(path, CheckpointRules.IndexNoWeightMap,
                "the index has no object 'weight_map' that names the files of tensors", Again);
        }

        var files = new Dictionary<string, string>(map.GetPropertyCount(), StringComparer.Ordinal);
        foreach (JsonProperty entry in map.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.String)
                throw new InvalidFileException(path, CheckpointRules.IndexEntryNotString, "its file is not named by a string", Again,
                    entry.Name);
            string file = entry.Value.GetString()!;
            if (!IsPlain(file))
                throw new InvalidFileException(path, CheckpointRules.IndexFileName,
                    $"its file '{file}' is not the plain name of a {Extension} file",
                    "Put all files of the checkpoint into one folder and name them without it", entry.Name);
            files.Add(entry.Name, file);
        }
        return files;
    }

    /// <summary>The error of an index that names files which are not in the folder.</summary>
    /// <param name="index">The path of the index.</param>
    /// <param name="all">How many files it names.</param>
    /// <param name="missing">The names of those that are not there, at least one.</param>
    public static InvalidFileException Missing(string index, int all, string[] missing)
    {
        string list = string.Join(", ", missing.Take(MostNames)) + (missing.Length > MostNames ? $" and {missing.Length - MostNames} more"
            : "");
        return new InvalidFileException(index, CheckpointRules.IndexFileMissing, missing.Length == 1
            ? $"the index names the file '{list}', which is not in the folder"
            : $"the index names {all} files, and {missing.Length} of them are not in the folder: {list}", missing.Length == 1
            ? $"Download {list}" : "Download them");
    }

    /// <summary>Whether a folder's index names one file alone; so too where it can't be read, for then it says nothing.</summary>
    public static bool NamesOnly(string folder, string file)
    {
        try
        {
            return Read(folder).Values.All(name => name == file);
        }
        catch (InvalidFileException)
        {
            return true;
        }
    }

    /// <summary>The text of an index, in ordinal order of the tensors, indented by two.</summary>
    /// <param name="files">The file of each tensor.</param>
    /// <param name="dataBytes">The number of bytes of all tensors, <c>metadata.total_size</c>.</param>
    public static byte[] Format(IReadOnlyDictionary<string, string> files, long dataBytes)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Indented = true, IndentSize = 2, NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(buffer, options))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", dataBytes);
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            foreach ((string tensor, string file) in files.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                json.WriteString(tensor, file);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>
    /// Whether the name can only mean a file in the same folder, on every operating system: no separators, drives,
    /// streams, wildcards or control characters.
    /// </summary>
    private static bool IsPlain(string name) =>
        name.Length is > 12 and <= 255
        && name.EndsWith(Extension, StringComparison.Ordinal)
        && name[0] is not ('.' or ' ')
        && !name.AsSpan().ContainsAny(Separators)
        && !name.Any(char.IsControl);
}
